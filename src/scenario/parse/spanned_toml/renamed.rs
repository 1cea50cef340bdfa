//! Names that keys and values had in version 0.1. They are read until version 0.3, with a warning that names the new one.

use super::{Place, SpannedToml, Step, Value};

/// An old name that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Renamed {
    /// Where it stands.
    pub place: Place,
    /// The name in the scenario.
    pub old: String,
    /// What it is called now.
    pub new: &'static str,
}

/// Tables by their new names, joined by dots, without the indices of lists; `|` separates names. In each: old key, new key.
const KEYS: &[(&str, &str, &str)] = &[
    ("output", "story", "event_log"),
    ("stop", "blocks", "final_height"),
    ("chain.nodes", "tolerate", "max_faulty"),
    ("chain.nodes", "access", "access_delay"),
    ("chain.nodes.group", "access", "access_delay"),
    ("chain.network", "bandwidth", "uplink"),
    ("chain.network", "drawn", "delay_sampling"),
    ("chain.network", "transactions", "transaction_relay"),
    ("chain.network.latency.uniform", "width", "half_width"),
    ("chain.network.latency.normal", "deviation", "std_dev"),
    ("chain.network.latency.normal", "least", "min"),
    ("chain.network.latency.shifted_lognormal", "least", "min"),
    ("chain.network.topology.small_world", "rewired", "rewiring_probability"),
    ("chain.network.topology.scale_free", "links", "edges_per_node"),
    ("chain.network.gossip.compact", "eager", "high_bandwidth_peers"),
    ("chain.network.gossip.compact", "usage", "adoption"),
    ("chain.protocol.hotstuff|pbft|qbft|ripple|scp", "batch", "block_limit"),
    ("chain.protocol.aura|clique|nakamoto|tendermint|threshold|vote", "block", "block_limit"),
    ("chain.protocol.scp", "timeout_most", "timeout_max"),
    ("chain.protocol.qbft", "request_timeout_most", "request_timeout_max"),
    ("chain.protocol.hotstuff", "view_timeout_most", "view_timeout_max"),
    ("workload.payments", "skew", "zipf_exponent"),
    ("workload.payments.arrival", "pieces", "piecewise"),
    ("workload.payments.arrival.piecewise", "pieces", "steps"),
    ("workload.payments.arrival.piecewise", "then", "final_rate"),
    ("workload.payments.arrival.piecewise.steps", "lasting", "duration"),
    ("workload.payments.arrival.closed", "think", "think_time"),
    ("workload.payments.arrival.bursts", "every", "interval"),
    ("fault.repeat", "lasting", "duration"),
    ("fault.crash.log", "without", "drop_last"),
    ("fault.slow", "cpu", "cpu_factor"),
    ("fault.slow", "disk", "disk_factor"),
    ("fault.degrade", "extra", "extra_delay"),
    ("fault.flood", "of", "payload"),
    ("adversary.attack.delay", "by", "delay"),
    ("adversary.attack.replay", "within", "max_delay"),
    ("adversary.attack.replay", "share", "probability"),
    ("adversary.attack.withhold", "friends", "first_peers"),
    ("adversary.attack.withhold", "by", "delay"),
    ("adversary.attack.corrupt", "share", "probability"),
    ("explore", "worlds", "cases"),
    ("explore", "faults", "max_faults"),
    ("explore", "faulty", "max_faulty"),
    ("explore", "kinds", "fault_kinds"),
    ("explore", "clock", "max_clock_jump"),
    ("explore", "heal", "safety_phase"),
];

/// Keys by their new names. In each: old value, new value.
const VALUES: &[(&str, &str, &str)] = &[
    ("chain.network.uplink", "sharing", "processor_sharing"),
    ("chain.network.uplink", "unshared", "unlimited_sharing"),
    ("fault.crash.log", "durable", "intact"),
    ("fault.crash.log", "lost", "wiped"),
    ("adversary|explore.attack|attacks", "bad-new-view", "bad_new_view"),
    ("adversary|explore.attack|attacks", "clock-lie", "clock_lie"),
    ("adversary|explore.attack|attacks", "double-sign", "double_sign"),
    ("adversary|explore.attack|attacks", "double-spend", "double_spend"),
    ("adversary|explore.attack|attacks", "double-vote", "double_vote"),
    ("adversary|explore.attack|attacks", "equal-fork-stubborn", "equal_fork_stubborn"),
    ("adversary|explore.attack|attacks", "false-view-change", "false_view_change"),
    ("adversary|explore.attack|attacks", "far-rounds", "far_rounds"),
    ("adversary|explore.attack|attacks", "hidden-lock", "hidden_lock"),
    ("adversary|explore.attack|attacks", "keep-the-lead", "keep_the_lead"),
    ("adversary|explore.attack|attacks", "lead-stubborn", "lead_stubborn"),
    ("adversary|explore.attack|attacks", "lying-pol", "lying_pol"),
    ("adversary|explore.attack|attacks", "old-certificate", "old_certificate"),
    ("adversary|explore.attack|attacks", "older-certificate", "older_certificate"),
    ("adversary|explore.attack|attacks", "silent-leader", "silent_leader"),
    ("adversary|explore.attack|attacks", "silent-primary", "silent_primary"),
    ("adversary|explore.attack|attacks", "silent-proposer", "silent_proposer"),
    ("adversary|explore.attack|attacks", "slow-primary", "slow_primary"),
    ("adversary|explore.attack|attacks", "trail-stubborn", "trail_stubborn"),
    ("adversary|explore.attack|attacks", "two-faced", "two_faced"),
    ("adversary|explore.attack|attacks", "withhold-commit", "withhold_commit"),
];

/// The new name of `old` at `path`.
fn new_name(names: &[(&str, &str, &'static str)], path: &[String], old: &str) -> Option<&'static str> {
    let is_at = |pattern: &str| {
        pattern.split('.').count() == path.len()
            && pattern.split('.').zip(path).all(|(names, name)| names.split('|').any(|wanted| wanted == name))
    };
    names.iter().find(|(pattern, name, _)| *name == old && is_at(pattern)).map(|(.., new)| *new)
}

/// Gives the keys of a path such as `output.story` their new names.
pub fn renew_path(steps: &mut [Step], place: &Place) -> Vec<Renamed> {
    let (mut path, mut found) = (Vec::new(), Vec::new());
    for step in steps {
        let Step::Key(name) = step else { continue };
        if let Some(new) = new_name(KEYS, &path, name) {
            found.push(Renamed { place: place.clone(), old: name.clone(), new });
            new.clone_into(name);
        }
        path.push(name.clone());
    }
    found
}

impl SpannedToml {
    /// Gives keys and values their new names.
    pub fn renew(&mut self) -> Vec<Renamed> {
        let mut found = Vec::new();
        self.renew_at(&mut Vec::new(), &mut found);
        found
    }
    /// The same for what is to stand at `steps`, which have their new names.
    pub fn renew_below(&mut self, steps: &[Step]) -> Vec<Renamed> {
        let mut path: Vec<String> = steps.iter().filter_map(Step::key).map(str::to_owned).collect();
        let mut found = Vec::new();
        self.renew_at(&mut path, &mut found);
        found
    }
    fn renew_at(&mut self, path: &mut Vec<String>, found: &mut Vec<Renamed>) {
        match &mut self.value {
            Value::Text(word) => {
                if let Some(new) = new_name(VALUES, path, word) {
                    found.push(Renamed { place: self.place.clone(), old: word.clone(), new });
                    new.clone_into(word);
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| item.renew_at(path, found)),
            Value::Table(entries) => {
                let are_paths = *path == ["variant", "set"];
                for at in 0..entries.len() {
                    let (key, value) = &mut entries[at];
                    if are_paths {
                        let mut below = renew_dotted(&mut key.name, &key.place, found);
                        value.renew_at(&mut below, found);
                        continue;
                    }
                    let old = key.name.clone();
                    let new = new_name(KEYS, path, &old);
                    // Where both are given, the old one is reported as unknown.
                    if let Some(new) = new.filter(|new| entries.iter().all(|(key, _)| key.name != *new)) {
                        let key = &mut entries[at].0;
                        found.push(Renamed { place: key.place.clone(), old, new });
                        new.clone_into(&mut key.name);
                    }
                    path.push(entries[at].0.name.clone());
                    entries[at].1.renew_at(path, found);
                    path.pop();
                }
            }
            Value::Integer(_) | Value::Float(_) | Value::Flag(_) | Value::Unusable(_) => {}
        }
    }
}

/// Gives the keys of a path that is itself a key, such as `"output.story"`, their new names. Returns its keys.
fn renew_dotted(dotted: &mut String, place: &Place, found: &mut Vec<Renamed>) -> Vec<String> {
    let (mut path, mut parts) = (Vec::new(), Vec::new());
    for part in dotted.split('.') {
        let (name, index) = part.find('[').map_or((part, ""), |at| part.split_at(at));
        let new = new_name(KEYS, &path, name);
        if let Some(new) = new {
            found.push(Renamed { place: place.clone(), old: name.to_owned(), new });
        }
        let name = new.unwrap_or(name);
        parts.push(format!("{name}{index}"));
        path.push(name.to_owned());
    }
    *dotted = parts.join(".");
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse::spanned_toml::steps;

    fn renewed(text: &str) -> (SpannedToml, Vec<(String, &'static str)>) {
        let mut tree = SpannedToml::parse(text, 0).ok().unwrap();
        let found = tree.renew().into_iter().map(|renamed| (renamed.old, renamed.new)).collect();
        (tree, found)
    }

    #[test]
    fn keys_and_values_get_their_new_names_wherever_they_may_stand() {
        let (tree, found) = renewed(
            "output.story = 5\n\
             [[chain]]\nnetwork = { bandwidth = \"unshared\", latency.normal = { least = \"1ms\" } }\n\
             protocol.pbft.batch.bytes = 7\n\
             [[fault]]\ncrash.log.without = 3\n\
             [[fault]]\ncrash.log = \"lost\"\n\
             [[variant]]\nset = { \"chain[0].network\" = { drawn = \"per_link\" }, \"chain.protocol.aura.block\" = {} }\n",
        );
        let new: Vec<&str> = found.iter().map(|(_, new)| *new).collect();
        let expected = [
            "event_log",
            "uplink",
            "unlimited_sharing",
            "min",
            "block_limit",
            "drop_last",
            "wiped",
            "delay_sampling",
            "block_limit",
        ];
        assert_eq!(new, expected);
        for path in [
            "output.event_log",
            "chain[0].network.uplink",
            "chain[0].network.latency.normal.min",
            "chain[0].protocol.pbft.block_limit.bytes",
            "fault[0].crash.log.drop_last",
            "variant[0].set.\"chain[0].network\".delay_sampling",
            "variant[0].set.\"chain.protocol.aura.block_limit\"",
        ] {
            assert!(tree.has(path), "{path}");
        }
        assert!(renewed("story = 5\n[fault]\nload.factor = 2").1.is_empty(), "only where it was a key");
        assert!(renewed("output = { story = 5, event_log = 6 }").1.is_empty(), "not beside the new one");
    }

    #[test]
    fn so_do_overrides() {
        let place = Place { source: 1, span: 0..1 };
        let mut path = steps("chain[0].network.bandwidth").unwrap();
        assert_eq!(renew_path(&mut path, &place).len(), 1);
        assert_eq!(path, steps("chain[0].network.uplink").unwrap());
        let mut value = SpannedToml::text("sharing", place);
        assert_eq!(value.renew_below(&path)[0].new, "processor_sharing");
    }

    #[test]
    fn no_new_name_is_an_old_one_at_the_same_place() {
        for names in [KEYS, VALUES] {
            for (path, _, new) in names {
                assert!(names.iter().all(|(other, old, _)| (other, old) != (path, new)), "{path}: {new}");
            }
        }
    }
}
