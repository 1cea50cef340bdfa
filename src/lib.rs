//! Ledgerlab: a deterministic simulator of distributed ledgers that runs real consensus and ledger code.
//!
//! A scenario is a text. It names what is in a [`Catalogue`], is checked, and runs under a seed:
//!
//! ```
//! use ledgerlab::Catalogue;
//! use ledgerlab::{run::run_to_end, scenario::Scenario};
//!
//! let text = r#"
//!     name = "first"
//!     duration = "5s"
//!     workload.payments.rate = 20
//!     [[chain]]
//!     protocol.pbft = { batch_delay = "20ms" }
//!     nodes = { count = 4 }
//! "#;
//! let catalogue = Catalogue::standard();
//! let loaded = Scenario::load(&catalogue, "first.toml", text, &[]).map_err(|errors| errors[0].clone())?;
//! let ran = run_to_end(&catalogue, &loaded.scenario, 1)?;
//! let figures = &ran.chains[0].outcome.summary;
//! assert!(figures.value("throughput").is_some_and(|per_second| per_second > 10.0));
//! assert_eq!(figures.value("safety_violations"), Some(0.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Errors are reported with their place, before anything runs:
//!
//! ```
//! use ledgerlab::{Catalogue, scenario::Scenario};
//!
//! let text = "name = \"first\"\nduration = \"5s\"\n[[chain]]\nprotocol = \"pfbt\"\nnodes.count = 4\n";
//! let errors = Scenario::load(&Catalogue::standard(), "first.toml", text, &[]).unwrap_err();
//! assert_eq!((errors[0].line, errors[0].help.as_deref()), (4, Some("did you mean `pbft`?")));
//! ```
//!
//! `examples/from_code.rs` builds a scenario without a text. A crate with a protocol, a ledger, a workload or a network of its
//! own adds it to the catalogue, as `examples/own_protocol.rs` does; nothing else knows them by name.
//!
//! The rest of this page is the architecture. `tests/tidy.rs` holds its rules.
//!
//! # The idea
//!
//! 1. A [protocol](protocol::Protocol) is a value with three handlers: `boot`, `on_message`, `on_timer`. It receives the
//!    time and returns effects. It has no access to a clock, a socket, a disk, a global random generator or the simulator.
//! 2. In a handler, **questions are calls and orders are data**. [`protocol::Context`] answers what time it is, which nodes
//!    form the committee, whether a block is valid. Orders (send, broadcast, set a timer, persist, extend, finalize) are
//!    [effects](protocol::Effect) on a list, which the engine performs afterwards, in order.
//! 3. The engine transforms that list: time on processors and disks, crash and recovery, Byzantine behaviour and tracing
//!    happen there. No protocol file contains any of them.
//! 4. Three effects make the chain: `extend`, `rewind` and `finalize`. They cover Nakamoto consensus and BFT protocols
//!    alike. What metrics and checkers say of chains is defined on them.
//! 5. A run is a pure function of scenario and seed. Its fingerprint is the same on every machine, with any number of
//!    threads.
//!
//! # The tree
//!
//! | layer | module | what it is | may import |
//! |---|---|---|---|
//! | L0 | [`base`] | time, identifiers, hashes, keys, random streams, sets of nodes, quorum arithmetic, ranges of settings | - |
//! | L1 | [`chain`] | what nodes agree on: transactions, blocks, their tree, the mempool | base |
//! | L2 | [`protocol`] | the interface between a protocol and what runs it | base, chain |
//! | L2 | [`observe`] | measures and checks a run without changing it: metrics, checkers, event log, fingerprint | base, chain |
//! | L3 | [`consensus`] | one folder per protocol; its head is the registry | base, chain, protocol |
//! | L3 | [`ledger`] | one folder per state machine | base, chain |
//! | L3 | [`network`] | carries bytes between nodes: delay, bandwidth, graph, gossip, faults, datasets | base |
//! | L3 | [`workload`] | what clients request, and when | base, chain, ledger |
//! | L4 | [`engine`] | the discrete-event simulation of one chain and of several chains | all above but consensus |
//! | L5 | [`scenario`] | from a TOML text and a catalogue to a checked scenario to a simulation | all above but consensus |
//! | L6 | `standard` | the catalogue of everything that comes with this crate: [`Catalogue::standard`] | consensus, protocol, scenario |
//! | L6 | [`run`] | runs a checked scenario under one seed and returns its results | base, observe, scenario |
//! | L6 | [`explore`] | generates cases within limits, runs them, and minimizes those that break a property | base, network, observe, engine, scenario |
//! | L6 | [`speed`] | the workloads by which speed is measured | base, chain, protocol, consensus, ledger, network, engine |
//! | L7 | [`report`] | writes results: tables, charts, pages | base, observe, scenario, run, explore |
//! | top | `main.rs`, `cli` | the command line: parse, dispatch, exit codes | base, scenario, run, explore, report, speed, the catalogue |
//!
//! # Where to look
//!
//! | question | file |
//! |---|---|
//! | How does a broadcast become arrivals? | `engine/simulation/messages.rs`, then `engine/delivery.rs`; over a graph first `engine/dissemination.rs` and `network/gossip/` |
//! | How long is a message under way? | `network/transport/` (bandwidth), `network/latency/` (delay), `network/fault.rs` |
//! | When is a block final? | the protocol says so (`Effect::Finalize`); `engine/views.rs` stores it; `observe/check/finality.rs`, `agreement.rs` and `durability.rs` check it; `observe/metrics/blocks.rs` measures it |
//! | When is a transaction confirmed, and when does its client have a reply? | `engine/simulation/effects.rs` (`confirm`) and `engine/clients.rs`; figures: `observe/metrics/table/times.rs` |
//! | What is the life of a transaction? | `workload/payments/mod.rs`; `engine/clients.rs`: requests, retries, replies; `engine/simulation/transactions.rs`: pools and relay; `engine/simulation/effects.rs`: inclusion, finality |
//! | What does a kind of fault do? | its file in `scenario/fault/`; the schedule: `engine/faults.rs`; on nodes: `engine/simulation/faults.rs` and `engine/process/`, on links: `network/fault.rs` |
//! | What can a Byzantine node of any protocol do? | `scenario/attack.rs`, `engine/adversary.rs`; of one protocol: its `attack.rs` (Nakamoto: `selfish.rs`) |
//! | What is the default of a key? | if it depends on other keys: `scenario/complete.rs`; else at its field, in `scenario/model/`, or in the layer whose type it is: `workload/payments/settings.rs`, `network/`, `ledger/`, `consensus/*/`, `scenario/fault/` |
//! | Why is a scenario refused? | `scenario/validate/`; ranges of values: `check` of the type itself; spelling: `scenario/parse/` |
//! | How is a metric defined and computed? | `observe/metrics/` |
//! | How many nodes make a quorum? | `base/committee.rs`; where a protocol differs, its `Protocol::committee`; SCP: `base/quorum_set.rs` |
//!
//! To add a protocol is one new folder, one `pub mod` line and one line of the registry in [`consensus`]. Outside this crate
//! it is one call of [`Catalogue::add_protocol`]. `CONTRIBUTING.md` says how everything else is added.
//!
//! # The life of an event
//!
//! 1. The agenda yields the earliest event of its [queue](engine::queue). The order is total: time, then source, then the
//!    source's own count. Events of other nodes cannot change it.
//! 2. If the event is the arrival of a message, the message joins the inbox of its receiver. The time of checking it
//!    ([`base::Wire::check`], at the prices of [`base::CostTable`]) is charged to a core. A busy node handles it later. A
//!    node that is down loses it.
//! 3. When the core is free, the handler runs, in no virtual time, and returns a list of effects.
//! 4. [`engine::process`] hands out the effects one after the other, and `engine::simulation::effects` performs them. Effects
//!    behind `Spend` and `Persist` wait for the core and the disk, so that *persist, then send* is write-ahead logging. A node
//!    that crashes meanwhile loses the rest: a message that was not sent yet is never sent.
//! 5. A `Send` becomes a [`network::Envelope`]. The [`network::Network`] computes its arrivals from delay, bandwidth and
//!    faults. A `Broadcast` is one transmission, and one entry of the queue where downlinks are not modelled.
//!    Over a graph, [`network::gossip`] spreads it.
//! 6. `Extend`, `Rewind` and `Finalize` change the node's view of the chain. [`engine::Executor`] executes each block once
//!    and charges every node for it. Receipts go to the [`workload`], and [observers](observe::Observer) are notified.
//!
//! # Invariants
//!
//! * **Equal runs.** No unordered map is iterated, no clock is read, no thread shares a run. Floating point that decides
//!   anything goes through `libm`. Each consumer of randomness has its own named [`base::Stream`], so that a new consumer
//!   changes no other draw, and two protocols under one seed see the same requests and the same network draws.
//! * **Protocols do not know what runs them.** `consensus` cannot import `engine`, `network` or `observe`.
//! * **One place each.** Only `engine::queue` orders events. Only `engine::simulation` and [`engine::process`] give effects a
//!   meaning. Only [`base`] computes quorums. Only the command line and reports print or touch files.
//! * **Pure functions are computed once and charged to all nodes**: signatures, hashes, execution. The check mode computes
//!   them at every node and must reach the same fingerprint.
//! * **Three kinds of errors, never mixed.** An error of a scenario is a [`scenario::ScenarioError`], with its line. A broken
//!   property of a run is an [`observe::Violation`]. A bug of the simulator is a panic. Malformed bytes from a Byzantine node
//!   are an event and never any of these.
//! * **Readable size.** No file has more than 800 lines, no function more than 70.
//! * **No circles.** No two files import each other.
//!
//! # Where the design differs from its first plan, and why
//!
//! The first interface of protocols was smaller. Writing protocols showed what it lacked:
//!
//! * **`Install`**, a fourth effect on the chain ([`protocol::Effect::Install`]). A node that is behind a snapshot or a
//!   stable checkpoint cannot extend block by block, since the blocks are gone. It receives a state whole, and pays for it.
//! * **[`Protocol::client_reply_quorum`](protocol::Protocol::client_reply_quorum) and [`Protocol::proposes`](protocol::Protocol::proposes).**
//!   How many nodes must reply before a client accepts is part of a protocol (one in Raft, `f + 1` in PBFT). So is which
//!   nodes need a mempool. The engine, which must not know protocols, guessed both at first.
//! * **[`protocol::Attacker`] beside [`engine::Adversary`].** Rewriting effects from outside can make a node silent, slow or
//!   inconsistent. An attack that withholds blocks or equivocates with valid signatures needs the state of the node: it lies
//!   beside its protocol and sends its messages.
//! * **Processes beyond the committee** ([`engine::roster`]). A node that runs twice equivocates in any protocol, with
//!   valid signatures and without code for it. Its second process has an end point in the network and streams of its own.
//!   Protocols, clients and observers know both processes by the number of the node.
//! * **Rooms in the engine** ([`engine`]). A simulation once had sixty fields that six files wrote. Now each room has
//!   private state, receives what it needs in each call, and knows no other room. Two of them know a protocol's types.
//!   Delivery and gossip are two rooms and not one, since most networks have no gossip. The agenda, not the processes, keeps
//!   the counts of events, so that rooms that schedule need no process.
//! * **[`Context::template`](protocol::Context::template) beside [`Context::propose`](protocol::Context::propose).**
//!   A miner knows the height of its block and can name it in a coinbase. A protocol that orders first and executes later
//!   does not: its batches may be placed at another height, so they contain no coinbase.
//! * **[`Record::is_checkpoint`](protocol::Record::is_checkpoint).** A log grows without bound unless a record may replace
//!   all records before it. The engine then drops them, and charges the right size at recovery.
//! * **`protocol::testing`, behind the feature `testing`.** Protocols are tested without the engine, against the interface
//!   alone. The layers forbid `consensus` to import the engine in its tests, too.
//! * **One random word per envelope.** Instead of one random stream per link, an envelope has one random word, mixed with
//!   each receiver. Delays are drawn through inverse distribution functions. Streams for a million links cost more memory
//!   than the network itself, and the order of draws no longer matters.
//! * **[`network::Network`] has `wake`, `land` and `change`.** With shared uplinks an arrival is not known when an envelope
//!   leaves, since later envelopes slow it down. The network asks to be woken when an arrival may have become certain.
//! * **[`Agent::findings`](engine::Agent::findings).** Checkers observe one chain. Only an agent between two chains can see
//!   that the history of one contradicts what the other carries of it. An agent may therefore report a violation, which the
//!   run adds to those of that chain.
//! * **Some protocols are longer than 800 lines of code.** That bound was set before recovery, catching up and bounded memory
//!   were written, which are half of each. It holds for files. Folders that exceed it have a budget each, with its reason, in
//!   `tests/tidy/rules.rs`.
//! * **Faults impair processes** ([`engine::faults`]). A pause, a slow disk or a wrong clock begins and ends by its number,
//!   and adds up with others. The plan had only crashes and faults of links.
//! * **The catalogue is a value** ([`Catalogue`]). The scenario layer once called the registry by name, so that a protocol
//!   could not live outside this crate. The catalogue holds names, settings, and one function per protocol that builds a
//!   chain of it.
//! * **One definition of each setting.** Types that scenarios write belong to the layer that uses them, with their defaults
//!   and ranges. `scenario` adds what needs names, files or regions, and the place of an error.
//! * **A generated case is a scenario** ([`explore`]). Every finding is replayed by `ledgerlab run`, and none by a seed of
//!   the search alone.
//! * **Speed is measured from outside.** [`speed`] builds the workloads that other simulators publish. Only the command line
//!   (`ledgerlab bench`) and `benches/` time them, since nothing below reads a clock.

pub mod base;
pub mod chain;
pub mod consensus;
pub mod engine;
pub mod explore;
pub mod ledger;
pub mod network;
pub mod observe;
pub mod protocol;
// The report layer shows progress, by the wall clock, on standard error.
#[allow(clippy::disallowed_types, clippy::print_stderr)]
pub mod report;
pub mod run;
pub mod scenario;
pub mod speed;
mod standard;
pub mod workload;

pub use scenario::Catalogue;
