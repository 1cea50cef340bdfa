//! Every kind of mistake, word for word as people read it.

use super::*;

/// What is said about [`VALID`] after replacing the first part of each pair by the second.
fn edited(edits: &[(&str, &str)]) -> String {
    let text = edits.iter().fold(VALID.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the valid scenario");
        text.replacen(from, to, 1)
    });
    load(&text).err().unwrap_or_else(|| "accepted".to_owned())
}

/// What is said about [`VALID`] with a second chain, on this ledger, and an agent that anchors by this table.
fn anchoring(ledger: &str, table: &str) -> String {
    let chain = format!(
        "[[chain]]\nname = \"public\"\nprotocol = \"idle\"\nledger = \"{ledger}\"\nnodes.count = 3\n\n[workload"
    );
    let agent = format!("delay = \"1s\" }}\n[[agent]]\nanchor = {table}");
    edited(&[("[workload", &chain), ("delay = \"1s\" }", &agent)])
}

/// What is said about [`VALID`] with an override.
fn overridden(change: &str) -> String {
    load_set(VALID, &[change]).err().unwrap_or_else(|| "accepted".to_owned())
}

/// One test per line of people's mistakes: how it is made, and what is said.
macro_rules! reported {
    ($($name:ident: $said:expr, $expected:literal;)+) => {
        $(
            #[test]
            fn $name() {
                assert_eq!($said, $expected);
            }
        )+
    };
}

reported! {
    an_unknown_key_is_reported: edited(&[("warm_up =", "warmup =")]),
r#"error: unknown key `warmup`
 --> test.toml:4:1
  |
4 | warmup = "5s"
  | ^^^^^^ expected one of `name`, `question`, `seed`, `seeds`, `duration`, `stop`, `warm_up`, `crypto`, `memory_limit`, `chain`, `workload`, `fault`, or 6 more
  |
  = help: did you mean `warm_up`?"#;
    an_unknown_key_inside_a_choice_is_reported: edited(&[("degree = 2", "degre = 2")]),
"error: unknown key `degre`
  --> test.toml:14:23
   |
14 | topology.outbound = { degre = 2 }
   |                       ^^^^^ expected one of `degree`, `max_inbound`
   |
   = help: did you mean `degree`?";
    an_unknown_key_in_the_settings_of_a_protocol_is_reported: edited(&[(r#"nap = "1s""#, r#"map = "1s""#)]),
r#"error: unknown key `map`
 --> test.toml:7:19
  |
7 | protocol.idle = { map = "1s" }
  |                   ^^^ expected one of `nap`, `dreams`, `first`, `mood`
  |
  = help: did you mean `nap`?"#;
    a_wrong_value_in_the_settings_of_a_protocol_is_reported: edited(&[(r#"nap = "1s""#, r#"nap = "1 m""#)]),
r#"error: `nap` cannot be this
 --> test.toml:7:25
  |
7 | protocol.idle = { nap = "1 m" }
  |                         ^^^^^ unknown unit "m" of duration; units are ns, us, µs, ms, s, min, h, d
  |
  = help: write `nap = "1 min"`"#;
    settings_of_a_protocol_that_do_not_suit_the_chain_is_reported: edited(&[(r#"nap = "1s""#, r#"nap = "1s", dreams = 9"#)]),
r#"error: `dreams` does not suit this chain
 --> test.toml:7:40
  |
7 | protocol.idle = { nap = "1s", dreams = 9 }
  |                                        ^ 9 dreams for 4 nodes"#;
    an_unknown_protocol_is_reported: edited(&[("protocol.idle =", "protocol.idel =")]),
r#"error: unknown protocol "idel"
 --> test.toml:7:10
  |
7 | protocol.idel = { nap = "1s" }
  |          ^^^^ expected `idle`
  |
  = help: did you mean `idle`?"#;
    an_unknown_protocol_as_a_word_is_reported: edited(&[(r#"protocol.idle = { nap = "1s" }"#, r#"protocol = "pbft""#)]),
r#"error: unknown protocol "pbft"
 --> test.toml:7:12
  |
7 | protocol = "pbft"
  |            ^^^^^^ expected `idle`"#;
    two_protocols_is_reported: edited(&[(r#"protocol.idle = { nap = "1s" }"#, "protocol.idle = {}
protocol.pbft = {}")]),
"error: `protocol` cannot be this
 --> test.toml:8:10
  |
8 | protocol.pbft = {}
  |          ^^^^ a chain has one protocol, found `idle` and `pbft`";
    a_wrong_unit_is_reported: edited(&[(r#"duration = "60s""#, r#"duration = "60 sec""#)]),
r#"error: `duration` cannot be this
 --> test.toml:3:12
  |
3 | duration = "60 sec"
  |            ^^^^^^^^ unknown unit "sec" of duration; units are ns, us, µs, ms, s, min, h, d
  |
  = help: write `duration = "60 s"`"#;
    a_unit_left_out_is_reported: edited(&[(r#"duration = "60s""#, "duration = 60")]),
r#"error: `duration` must be a duration in quotes, such as "250ms"
 --> test.toml:3:12
  |
3 | duration = 60
  |            ^^ found 60
  |
  = help: write `duration = "60s"` if seconds are meant"#;
    a_negative_rate_is_reported: edited(&[("rate = 50", "rate = -50")]),
"error: `rate` must be above 0
  --> test.toml:18:8
   |
18 | rate = -50
   |        ^^^ found -50";
    a_negative_bandwidth_is_reported: edited(&[("disk =", r#"upload = "-5 Mbit/s"
disk ="#)]),
r#"error: `upload` cannot be this
  --> test.toml:11:10
   |
11 | upload = "-5 Mbit/s"
   |          ^^^^^^^^^^^ a rate cannot be negative, found "-5 Mbit/s""#;
    a_negative_duration_is_reported: edited(&[(r#"until = "30s""#, r#"until = "-30s""#)]),
r#"error: `until` cannot be this
  --> test.toml:23:9
   |
23 | until = "-30s"
   |         ^^^^^^ a duration cannot be negative, found "-30s""#;
    zero_nodes_is_reported: edited(&[("regions = { eu-west-1 = 2, us-east-1 = 1, sa-east-1 = 1 }", "count = 0")]),
"error: a chain needs at least one node
  --> test.toml:10:9
   |
10 | count = 0
   |         ^ found 0";
    no_number_of_nodes_is_reported: edited(&[("regions = { eu-west-1 = 2, us-east-1 = 1, sa-east-1 = 1 }", "")]),
"error: nothing says how many nodes there are
 --> test.toml:9:1
  |
9 | [chain.nodes]
  | ^^^^^^^^^^^^^ expected `count`, or `regions` with counts";
    a_number_of_nodes_that_contradicts_the_regions_is_reported: edited(&[("disk =", "count = 5
disk =")]),
"error: `count` is 5
  --> test.toml:11:9
   |
11 | count = 5
   |         ^ `regions` counts 4
   |
   = help: leave `count` out, the regions count";
    a_fraction_of_a_node_is_reported: edited(&[("regions = { eu-west-1 = 2,", "regions = { eu-west-1 = 2.5,")]),
"error: `eu-west-1` must be a whole number, not negative and below 2^32
  --> test.toml:10:25
   |
10 | regions = { eu-west-1 = 2.5, us-east-1 = 1, sa-east-1 = 1 }
   |                         ^^^ found 2.5";
    an_f_too_large_for_n_is_reported: edited(&[("disk =", "max_faulty = 2
disk =")]),
"error: idle cannot tolerate 2 Byzantine nodes out of 4
  --> test.toml:11:14
   |
11 | max_faulty = 2
   |              ^ at most 1, since n > 3f";
    a_region_that_does_not_exist_is_reported: edited(&[("us-east-1 = 1", "us-east-l = 1")]),
r#"error: "aws-2025" has no region "us-east-l"
  --> test.toml:10:28
   |
10 | regions = { eu-west-1 = 2, us-east-l = 1, sa-east-1 = 1 }
   |                            ^^^^^^^^^ expected one of `af-south-1`, `ap-east-1`, `ap-east-2`, `ap-northeast-1`, `ap-northeast-2`, `ap-northeast-3`, `ap-south-1`, `ap-south-2`, `ap-southeast-1`, `ap-southeast-2`, `ap-southeast-3`, `ap-southeast-4`, or 21 more
   |
   = help: did you mean `us-east-1`?"#;
    a_region_of_another_dataset_is_reported: edited(&[("[chain.network]", r#"[chain.network]
latency.regions = { data = "six-regions-2018" }"#)]),
r#"error: "six-regions-2018" has no region "eu-west-1"
  --> test.toml:10:13
   |
10 | regions = { eu-west-1 = 2, us-east-1 = 1, sa-east-1 = 1 }
   |             ^^^^^^^^^ expected one of `NORTH_AMERICA`, `EUROPE`, `SOUTH_AMERICA`, `ASIA_PACIFIC`, `JAPAN`, `AUSTRALIA`"#;
    a_dataset_that_does_not_exist_is_reported: edited(&[("[chain.network]", r#"[chain.network]
latency.regions = { data = "aws-2024" }"#)]),
r#"error: unknown latency data "aws-2024"
  --> test.toml:14:28
   |
14 | latency.regions = { data = "aws-2024" }
   |                            ^^^^^^^^^^ expected one of `six-regions-2018`, `aws-2025`, `lan-aws`, `simblock-2015`, `simblock-2019`
   |
   = help: did you mean `aws-2025`?"#;
    a_partition_of_unknown_nodes_is_reported: edited(&[(r#"groups = [{ region = "eu-west-1" }, "rest"]"#, "groups = [[0, 1], [2, 7]]")]),
"error: there is no node 7
  --> test.toml:28:37
   |
28 | partition = { groups = [[0, 1], [2, 7]] }
   |                                     ^ nodes are numbered 0 to 3";
    a_partition_of_an_unknown_region_is_reported: edited(&[(r#"groups = [{ region = "eu-west-1" }"#, r#"groups = [{ region = "eu-west-2" }"#)]),
r#"error: no node stands in region "eu-west-2"
  --> test.toml:28:36
   |
28 | partition = { groups = [{ region = "eu-west-2" }, "rest"] }
   |                                    ^^^^^^^^^^^ expected one of `eu-west-1`, `sa-east-1`, `us-east-1`
   |
   = help: did you mean `eu-west-1`?"#;
    a_partition_whose_groups_overlap_is_reported: edited(&[(r#"groups = [{ region = "eu-west-1" }, "rest"]"#, "groups = [[0, 1], [1, 2]]")]),
"error: node 1 is in two groups
  --> test.toml:28:33
   |
28 | partition = { groups = [[0, 1], [1, 2]] }
   |                                 ^^^^^^ groups must not overlap";
    a_partition_of_one_group_is_reported: edited(&[(r#"{ region = "eu-west-1" }, "rest""#, r#""rest""#)]),
r#"error: a partition has two groups or more
  --> test.toml:28:24
   |
28 | partition = { groups = ["rest"] }
   |                        ^^^^^^^^ found 1
   |
   = help: write for example `groups = [[0, 1], "rest"]`"#;
    a_misspelled_selection_is_reported: edited(&[(r#""rest""#, r#""rset""#)]),
r#"error: unknown word "rset"
  --> test.toml:28:51
   |
28 | partition = { groups = [{ region = "eu-west-1" }, "rset"] }
   |                                                   ^^^^^^ expected one of `all`, `rest`, `leader`
   |
   = help: did you mean `rest`?"#;
    a_crash_of_a_node_that_does_not_exist_is_reported: edited(&[("nodes = [3]", "nodes = 4")]),
"error: there is no node 4
  --> test.toml:24:19
   |
24 | crash = { nodes = 4 }
   |                   ^ nodes are numbered 0 to 3";
    a_fault_without_a_kind_is_reported: edited(&[("crash = { nodes = [3] }", "")]),
"error: a fault is exactly one of `crash`, `pause`, `slow`, `clock`, `partition`, `eclipse`, `degrade`, `load` and `flood`
  --> test.toml:21:1
   |
21 | [[fault]]
   | ^^^^^^^^^ found 0 of them
   |
   = help: say what happens, such as `crash = { nodes = [0] }`";
    a_fault_of_two_kinds_is_reported: edited(&[("crash = { nodes = [3] }", "crash = { nodes = [3] }
partition = { groups = [0, 1] }")]),
"error: a fault is exactly one of `crash`, `pause`, `slow`, `clock`, `partition`, `eclipse`, `degrade`, `load` and `flood`
  --> test.toml:21:1
   |
21 | [[fault]]
   | ^^^^^^^^^ found 2 of them
   |
   = help: write a `[[fault]]` for each";
    a_fault_that_ends_before_it_begins_is_reported: edited(&[(r#"until = "30s""#, r#"until = "10s""#)]),
r#"error: `until` must be later than `at`
  --> test.toml:23:9
   |
23 | until = "10s"
   |         ^^^^^ the fault begins at 20s
   |
   = help: both count from the start of the run: `until = "30s"` lets it last 10s"#;
    a_fault_after_the_end_is_reported: edited(&[(r#"at = "40s""#, r#"at = "4 min""#)]),
r#"error: this fault begins at 4min, after the end
  --> test.toml:31:6
   |
31 | at = "4 min"
   |      ^^^^^^^ the run lasts 1min"#;
    a_fault_that_changes_nothing_is_reported: edited(&[(r#"loss = 0.1, extra_delay = "10ms""#, "loss = 0")]),
"error: this degrades nothing
  --> test.toml:32:11
   |
32 | degrade = { to = { fraction = 0.5 }, loss = 0 }
   |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected `extra_delay`, `jitter`, `loss`, `duplicate`, `corrupt` or `reorder`";
    a_probability_above_one_is_reported: edited(&[("loss = 0.1", "loss = 10")]),
r#"error: `loss` must lie between 0 and 1
  --> test.toml:32:45
   |
32 | degrade = { to = { fraction = 0.5 }, loss = 10, extra_delay = "10ms" }
   |                                             ^^ found 10
   |
   = help: 10 % is written `loss = 0.1`"#;
    an_unknown_attack_is_reported: edited(&[(r#"attack.delay = { delay = "1s" }"#, r#"attack = "shuot""#)]),
r#"error: idle has no attack "shuot"
  --> test.toml:36:10
   |
36 | attack = "shuot"
   |          ^^^^^^^ expected one of `silent`, `delay`, `selective`, `twins`, `equivocate`, `amnesia`, `replay`, `withhold`, `censor`, `corrupt`, `shout`
   |
   = help: did you mean `shout`?"#;
    a_warm_up_longer_than_the_run_is_reported: edited(&[(r#"warm_up = "5s""#, r#"warm_up = "5 min""#)]),
r#"error: `warm_up` must be shorter than the run
 --> test.toml:4:11
  |
4 | warm_up = "5 min"
  |           ^^^^^^^ nothing would be measured: the run lasts 1min
  |
  = help: a tenth of the run is usual: `warm_up = "6s"`"#;
    no_end_is_reported: edited(&[(r#"duration = "60s"
"#, "")]),
r#"error: nothing says when the run ends
 --> test.toml:1:8
  |
1 | name = "test"
  |        ^^^^^^ this scenario has neither `duration` nor `stop`
  |
  = help: add `duration = "60s"` or `stop = { final_transactions = 1000 }`"#;
    no_rate_is_reported: edited(&[("rate = 50
", "")]),
"error: nothing says how many payments are made
  --> test.toml:17:1
   |
17 | [workload.payments]
   | ^^^^^^^^^^^^^^^^^^^ expected `rate`, in transactions per second";
    a_rate_beside_a_closed_loop_is_reported: edited(&[("rate = 50", r#"rate = 50
arrival.closed = { think_time = "1s" }"#)]),
"error: `rate` means nothing here
  --> test.toml:18:1
   |
18 | rate = 50
   | ^^^^ `arrival` sets the pace itself";
    direct_gossip_where_not_every_node_is_connected_is_reported: edited(&[(r#"gossip = "flood""#, r#"gossip = "direct""#)]),
r#"error: direct broadcasts need all nodes connected to each other
  --> test.toml:14:1
   |
14 | topology.outbound = { degree = 2 }
   | ^^^^^^^^ but here only neighbours are connected, and gossip is `direct`
   |
   = help: choose `gossip = "flood"`, `"inventory"`, `"compact"` or `"sqrt_push"`"#;
    a_misspelled_choice_is_reported: edited(&[(r#"gossip = "flood""#, r#"gossip = "flod""#)]),
r#"error: unknown word "flod"
  --> test.toml:15:10
   |
15 | gossip = "flod"
   |          ^^^^^^ expected one of `direct`, `flood`, `inventory`, `compact`, `simblock`, `sqrt_push`
   |
   = help: did you mean `flood`?"#;
    a_choice_without_its_settings_is_reported: edited(&[("topology.outbound = { degree = 2 }", r#"latency = "lognormal""#)]),
r#"error: missing key `median`
  --> test.toml:14:11
   |
14 | latency = "lognormal"
   |           ^^^^^^^^^^^ `median` must be given here"#;
    a_degree_too_large_is_reported: edited(&[("degree = 2", "degree = 4")]),
"error: `degree` must be at least 1 and less than the number of nodes
  --> test.toml:14:32
   |
14 | topology.outbound = { degree = 4 }
   |                                ^ found 4, and there are 4 nodes";
    a_topology_that_does_not_exist_for_so_many_nodes_is_reported: edited(&[("topology.outbound = { degree = 2 }", "topology.random_regular = { degree = 0 }")]),
"error: `degree` must be at least 1 and less than the number of nodes, and their product even
  --> test.toml:14:38
   |
14 | topology.random_regular = { degree = 0 }
   |                                      ^ found 0, and there are 4 nodes";
    quantiles_that_do_not_rise_is_reported: edited(&[("[chain.network]", r#"[chain.network]
latency.empirical = { quantiles = [[0, "10ms"], [1, "5ms"]] }"#)]),
r#"error: `quantiles` must rise from pair to pair, in probability and in delay
  --> test.toml:14:35
   |
14 | latency.empirical = { quantiles = [[0, "10ms"], [1, "5ms"]] }
   |                                   ^^^^^^^^^^^^^^^^^^^^^^^^^ found 1 with 5ms behind 0 with 10ms"#;
    a_name_given_twice_is_reported: edited(&[("seed = 1", "seed = 1
seeds = [2]")]),
"error: `seeds` is given twice
 --> test.toml:3:1
  |
3 | seeds = [2]
  | ^^^^^ given before, perhaps under another name";
    a_seed_twice_is_reported: edited(&[("seed = 1", "seeds = [1, 2, 1]")]),
"error: a seed is listed twice
 --> test.toml:2:9
  |
2 | seeds = [1, 2, 1]
  |         ^^^^^^^^^ the same seed gives the same run
  |
  = help: write each once, or a range: `seeds = \"1..3\"`";
    a_missing_key_is_reported: edited(&[(r#"name = "test"
"#, "")]),
"error: missing key `name`
 --> test.toml:1:1
  |
1 | seed = 1
  | ^ `name` must be given here
  |
  = help: write `name = \"my-experiment\"`";
    a_name_that_is_no_folder_is_reported: edited(&[(r#"name = "test""#, r#"name = "../test""#)]),
r#"error: "../test" cannot name a folder of results
 --> test.toml:1:8
  |
1 | name = "../test"
  |        ^^^^^^^^^ expected letters, digits, `-`, `_` and `.`, not starting with `.`
  |
  = help: write `name = "test"`"#;
    a_date_is_reported: edited(&[("rate = 50", "rate = 1979-05-27")]),
"error: `rate` must be a number
  --> test.toml:18:8
   |
18 | rate = 1979-05-27
   |        ^^^^^^^^^^ found a date";
    a_text_that_is_not_toml_is_reported: edited(&[("[chain.nodes]", "[chain.nodes")]),
"error: this is not TOML
 --> test.toml:9:13
  |
9 | [chain.nodes
  |             ^ unclosed table, expected `]`";
    a_key_twice_in_toml_is_reported: edited(&[("seed = 1", "seed = 1
seed = 2")]),
"error: this is not TOML
 --> test.toml:3:1
  |
3 | seed = 2
  | ^^^^ duplicate key
  |
  = help: a key is given once in its table";
    an_absurd_number_of_nodes_is_reported: edited(&[("eu-west-1 = 2", "eu-west-1 = 2_000_000_000")]),
"error: there must be at most 1000000 nodes
  --> test.toml:10:11
   |
10 | regions = { eu-west-1 = 2_000_000_000, us-east-1 = 1, sa-east-1 = 1 }
   |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ these count 2000000002";
    an_absurd_rate_is_reported: edited(&[("rate = 50", "rate = 1e9")]),
"error: this run needs about 207 TB of memory, the limit is 8 GB
  --> test.toml:18:8
   |
18 | rate = 1e9
   |        ^^^ 60000000000 transactions that 4 nodes announce to each other alone take about 132 TB
   |
   = help: make it smaller, or raise `memory_limit`";
    a_complete_graph_beyond_memory_is_reported: edited(&[("eu-west-1 = 2", "eu-west-1 = 100_000"), ("topology.outbound = { degree = 2 }", r#"topology = "complete""#)]),
r#"error: this run needs about 4.7 TB of memory, the limit is 8 GB
  --> test.toml:14:12
   |
14 | topology = "complete"
   |            ^^^^^^^^^^ 10000300002 links alone take about 4.5 TB
   |
   = help: make it smaller, or raise `memory_limit`"#;
    an_override_of_a_key_that_does_not_exist_is_reported: overridden("chain.nodes.cuont=7"),
"error: unknown key `cuont`
 --> --set:1:1
  |
1 | chain.nodes.cuont=7
  | ^^^^^^^^^^^^^^^^^ expected one of `count`, `regions`, `weights`, `max_faulty`, `upload`, `download`, `access_delay`, `cores`, `cpu_speed`, `disk`, `clock`, `mempool`, or 1 more
  |
  = help: did you mean `count`?";
    an_override_with_a_wrong_value_is_reported: overridden("duration=10 parsecs"),
r#"error: `duration` cannot be this
 --> --set:1:10
  |
1 | duration=10 parsecs
  |          ^^^^^^^^^^ unknown unit "parsecs" of duration; units are ns, us, µs, ms, s, min, h, d"#;
    an_override_of_the_wrong_type_is_reported: overridden(r#"chain.nodes.count="seven""#),
r#"error: `count` must be a whole number, not negative and below 2^32
 --> --set:1:19
  |
1 | chain.nodes.count="seven"
  |                   ^^^^^^^ found "seven"
  |
  = help: write `count = 7`"#;
    an_override_without_a_value_is_reported: overridden("duration"),
"error: an override without a value
 --> --set:1:1
  |
1 | duration
  | ^^^^^^^^ expected `key=value`, such as `chain.nodes.count=7`";
    an_override_that_is_not_a_value_is_reported: overridden("name=[1, 2"),
"error: this is not a value
 --> --set:1:6
  |
1 | name=[1, 2
  |      ^^^^^ unclosed array, expected `]`; texts with blanks need quotes";
    an_override_of_an_element_that_does_not_exist_is_reported: overridden("fault[3].at=5s"),
"error: this key cannot be set
 --> --set:1:1
  |
1 | fault[3].at=5s
  | ^^^^^^^^^^^ there is no element 3 in a list of 3";
    an_override_that_does_not_say_which_is_reported: overridden("fault.at=5s"),
"error: this key cannot be set
 --> --set:1:1
  |
1 | fault.at=5s
  | ^^^^^^^^ say which of 3 is meant, such as `[0]`";
    an_override_with_a_broken_key_is_reported: overridden("chain..nodes=5"),
"error: this is not a key
 --> --set:1:1
  |
1 | chain..nodes=5
  | ^^^^^^^^^^^^ expected keys joined by dots, such as `chain[0].nodes.count`";
    anchors_between_two_chains_are_right: anchoring("account", r#"{ from = "main", into = "public", every = 2, watch = [0, 3] }"#),
"accepted";
    anchors_of_an_unknown_chain_is_reported: anchoring("account", r#"{ from = "mian", into = "public" }"#),
r#"error: unknown chain "mian"
  --> test.toml:44:19
   |
44 | anchor = { from = "mian", into = "public" }
   |                   ^^^^^^ expected one of `main`, `public`
   |
   = help: did you mean `main`?"#;
    anchors_into_an_unknown_chain_is_reported: anchoring("account", r#"{ from = "main", into = "publik" }"#),
r#"error: unknown chain "publik"
  --> test.toml:44:34
   |
44 | anchor = { from = "main", into = "publik" }
   |                                  ^^^^^^^^ expected one of `main`, `public`
   |
   = help: did you mean `public`?"#;
    anchors_of_a_chain_into_itself_is_reported: anchoring("account", r#"{ from = "main", into = "main" }"#),
r#"error: chain "main" cannot carry its own anchors
  --> test.toml:44:34
   |
44 | anchor = { from = "main", into = "main" }
   |                                  ^^^^^^ expected `public`"#;
    anchors_of_no_block_is_reported: anchoring("account", r#"{ from = "main", into = "public", every = 0 }"#),
r#"error: `every` must be at least 1
  --> test.toml:44:52
   |
44 | anchor = { from = "main", into = "public", every = 0 }
   |                                                    ^ found 0"#;
    anchors_without_pause_is_reported: anchoring("account", r#"{ from = "main", into = "public", poll = "0s" }"#),
r#"error: `poll` must be longer than 0
  --> test.toml:44:51
   |
44 | anchor = { from = "main", into = "public", poll = "0s" }
   |                                                   ^^^^ found 0"#;
    anchors_read_from_an_unknown_node_is_reported: anchoring("account", r#"{ from = "main", into = "public", read = 4 }"#),
r#"error: there is no node 4
  --> test.toml:44:51
   |
44 | anchor = { from = "main", into = "public", read = 4 }
   |                                                   ^ nodes are numbered 0 to 3"#;
    anchors_compared_with_an_unknown_node_is_reported: anchoring("account", r#"{ from = "main", into = "public", watch = [0, 9] }"#),
r#"error: there is no node 9
  --> test.toml:44:56
   |
44 | anchor = { from = "main", into = "public", watch = [0, 9] }
   |                                                        ^ nodes are numbered 0 to 3"#;
    anchors_compared_with_no_node_is_reported: anchoring("account", r#"{ from = "main", into = "public", watch = [] }"#),
r#"error: this selects no node
  --> test.toml:44:52
   |
44 | anchor = { from = "main", into = "public", watch = [] }
   |                                                    ^^ expected at least one number"#;
    anchors_submitted_to_an_unknown_node_is_reported: anchoring("account", r#"{ from = "main", into = "public", submit = 3 }"#),
r#"error: there is no node 3
  --> test.toml:44:53
   |
44 | anchor = { from = "main", into = "public", submit = 3 }
   |                                                     ^ nodes are numbered 0 to 2"#;
    anchors_on_a_ledger_of_outputs_is_reported: anchoring("utxo", r#"{ from = "main", into = "public" }"#),
r#"error: chain "public" cannot carry anchors
  --> test.toml:44:34
   |
44 | anchor = { from = "main", into = "public" }
   |                                  ^^^^^^^^ its ledger is `utxo`, expected `account`"#;
    an_unknown_key_of_anchors_is_reported: anchoring("account", r#"{ from = "main", into = "public", evry = 2 }"#),
r#"error: unknown key `evry`
  --> test.toml:44:44
   |
44 | anchor = { from = "main", into = "public", evry = 2 }
   |                                            ^^^^ expected one of `from`, `into`, `every`, `read`, `watch`, `submit`, `poll`, `retry`, `fee`
   |
   = help: did you mean `every`?"#;
}
