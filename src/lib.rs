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
//! let loaded = Scenario::load(&catalogue, "first.toml", text, &[]).map_err(|mistakes| mistakes[0].clone())?;
//! let ran = run_to_end(&catalogue, &loaded.scenario, 1)?;
//! let figures = &ran.chains[0].outcome.summary;
//! assert!(figures.value("throughput").is_some_and(|per_second| per_second > 10.0));
//! assert_eq!(figures.value("safety_violations"), Some(0.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is wrong is told with its place, before anything runs:
//!
//! ```
//! use ledgerlab::{Catalogue, scenario::Scenario};
//!
//! let text = "name = \"first\"\nduration = \"5s\"\n[[chain]]\nprotocol = \"pfbt\"\nnodes.count = 4\n";
//! let mistakes = Scenario::load(&Catalogue::standard(), "first.toml", text, &[]).unwrap_err();
//! assert_eq!((mistakes[0].line, mistakes[0].help.as_deref()), (4, Some("did you mean `pbft`?")));
//! ```
//!
//! `examples/from_code.rs` puts a scenario together without a text. A crate that brings a protocol, a ledger, a workload or
//! a network of its own adds it to the catalogue, as `examples/own_protocol.rs` does; nothing else knows them by name.
//!
//! The rest of this page is the architecture. What it promises is held by `tests/tidy.rs`.
//!
//! # The idea
//!
//! 1. A [protocol](protocol::Protocol) is a value with three handlers: `boot`, `on_message`, `on_timer`. It is *given*
//!    time and *asked* for effects; it never sees a clock, a socket, a disk, a global random generator or the simulator.
//! 2. In a handler, **questions are calls, orders are data**: [`protocol::Context`] answers what time it is, who is in
//!    the committee, whether a block is valid; orders (send, broadcast, set a timer, persist, extend, finalize) are
//!    [effects](protocol::Effect), pushed on a list that the engine performs afterwards, in order.
//! 3. Everything difficult is a transformation of that list: time on processors and disks, crash and recovery,
//!    Byzantine behaviour, tracing. No protocol file knows of any of them.
//! 4. The chain is made by three verbs, `extend`, `rewind` and `finalize`. They cover Nakamoto and BFT alike, and every
//!    metric and every checker is written on them.
//! 5. A run is a pure function of scenario and seed: its fingerprint is the same on every machine, with any number of
//!    threads.
//!
//! # The tree
//!
//! | layer | module | what it is | may import |
//! |---|---|---|---|
//! | L0 | [`base`] | words everything is said in: time, ids, hashes, keys, random streams, all threshold arithmetic | - |
//! | L1 | [`chain`] | what is agreed on: transactions, blocks, their tree, the mempool | base |
//! | L2 | [`protocol`] | the contract between a protocol and whatever runs it | base, chain |
//! | L2 | [`observe`] | what can be seen and never changes what happens: metrics, checks, the fingerprint | base, chain |
//! | L3 | [`consensus`] | one folder per protocol; its head is the registry | base, chain, protocol |
//! | L3 | [`ledger`] | one folder per state machine | base, chain |
//! | L3 | [`network`] | what happens to bytes between nodes: delay, bandwidth, graph, gossip, faults, datasets | base |
//! | L3 | [`workload`] | who asks for what, and when | base, chain, ledger |
//! | L4 | [`engine`] | runs it: rooms that own their state, one chain, a world of chains | all above but consensus |
//! | L5 | [`scenario`] | from a TOML text and a catalogue to a checked scenario to a run | all above but consensus |
//! | L6 | `standard` | the catalogue of everything that comes with this crate: [`Catalogue::standard`] | consensus, protocol, scenario |
//! | L6 | [`run`] | runs a checked scenario under one seed, to what came of it | base, observe, scenario |
//! | L6 | [`explore`] | generates cases within limits, judges them, makes what breaks smaller | base, network, observe, engine, scenario |
//! | L6 | [`speed`] | the workloads by which speed is measured | base, chain, protocol, consensus, ledger, network, engine |
//! | L7 | [`report`] | from outcomes to people: tables, charts, pages | base, observe, scenario, run, explore |
//! | top | `main.rs`, `cli` | the command line: parse, dispatch, exit codes | base, scenario, run, explore, report, speed, the catalogue |
//!
//! To add a protocol is one new folder, one `pub mod` line and one line of the registry in [`consensus`]; outside this crate
//! it is one call of [`Catalogue::add_protocol`]. `CONTRIBUTING.md` says how everything else is added.
//!
//! # The life of an event
//!
//! 1. The agenda yields the earliest event of its [queue](engine::queue). Order is total: time, source, the source's own number. What happens
//!    among other nodes cannot change it.
//! 2. If it is the arrival of a message, the message joins its receiver's inbox behind what waits there, and the time of
//!    checking it ([`base::Wire::check`], the prices of [`base::CostTable`]) is charged to a core. A node that is busy
//!    handles nothing, one that is down loses it.
//! 3. When the core is free, the handler runs, in no virtual time, and leaves a list of effects.
//! 4. [`engine::process`] hands the effects out, one after the other, and `engine::simulation::effects` performs them. `Spend` and `Persist` make all that follows wait for the core and the disk, so
//!    that *persist, then send* is write-ahead logging. A node that crashes meanwhile loses the rest: what it had not
//!    sent yet never leaves.
//! 5. A `Send` becomes a [`network::Envelope`], which the [`network::Network`] turns into arrivals, by delay, bandwidth
//!    and weather. A `Broadcast` is one entry of the queue that walks its arrivals in order, or is spread over a graph by
//!    [`network::gossip`].
//! 6. `Extend`, `Rewind` and `Finalize` move the node's view of the chain. [`engine::Executor`] computes what a block
//!    does once and charges everybody; receipts go to the [`workload`], and [observers](observe::Observer) are told.
//!
//! # Invariants
//!
//! * **Equal runs.** No unordered map is iterated, no clock is read, no thread shares a run; floating point that decides
//!   anything goes through `libm`. Each consumer of randomness has its own named [`base::Stream`], so that a new one
//!   shifts nothing, and two protocols under one seed meet the same requests and the same weather.
//! * **Ignorant protocols.** `consensus` cannot name `engine`, `network` or `observe`.
//! * **One place each.** Only `engine::queue` orders events; only `engine::simulation` gives effects a meaning; only
//!   [`base::Committee`] computes quorums; only the command line and reports print or touch files.
//! * **Pure functions are computed once and charged to all**: signatures, hashes, execution. The check mode computes
//!   them everywhere and must reach the same fingerprint.
//! * **Three kinds of errors, never mixed.** A scenario is wrong: [`scenario::ScenarioError`], with its line. The simulated
//!   world broke a promise: [`observe::Violation`]. We are wrong: a panic. Bytes from a Byzantine peer are an event and
//!   never any of these.
//! * **Readable size.** No file has more than 800 lines, no function more than 70.
//!
//! # Where we left the plan, and why
//!
//! The first sketch of the contract had fewer words. Writing protocols against it asked for these:
//!
//! * **`Install`**, a fourth verb of the chain ([`protocol::Effect::Install`]). A node that fell behind a snapshot or a
//!   stable checkpoint cannot extend block by block: the blocks are gone. It is given a state whole, and pays for it.
//! * **[`Protocol::client_reply_quorum`](protocol::Protocol::client_reply_quorum) and [`Protocol::proposes`](protocol::Protocol::proposes).**
//!   How many nodes must answer before a client believes is part of a protocol (one in Raft, `f + 1` in PBFT), and so is
//!   who needs a mempool. Both were first guessed by the engine, which must not know families.
//! * **[`protocol::Attacker`] beside [`engine::Adversary`].** Rewriting effects from outside can make a node silent,
//!   slow or two-faced. An attack that withholds blocks or equivocates with valid signatures needs the node's memory: it
//!   lies beside its protocol and speaks its messages.
//! * **Processes beyond the committee** ([`engine::roster`]). A node that runs twice equivocates in any protocol, with
//!   valid signatures and nothing written for it. Its second process has an end point in the network and streams of its
//!   own; protocols, clients and observers know both by the number of the node.
//! * **Rooms in the engine** ([`engine`]). A simulation once held sixty fields that six files wrote. Now each room has
//!   private state, is handed what it needs in each call, and knows no other room; two of them know a protocol's types.
//!   Delivery and gossip are two rooms, not one: most networks have no gossip. Counts of events are kept by the agenda and
//!   not by processes, so that rooms that schedule need no process.
//! * **[`Context::template`](protocol::Context::template) beside [`Context::propose`](protocol::Context::propose).**
//!   Who mines on a tip knows the height of the block and can name it in a coinbase. Who orders first and executes later
//!   does not: its batches may come to stand at another height, so they hold no coinbase.
//! * **[`Record::is_checkpoint`](protocol::Record::is_checkpoint).** Logs grow without bound unless a record may stand
//!   for all before it; the engine then drops them and charges the right size at recovery.
//! * **`protocol::testing` (feature `testing`).** Protocols are tested without the engine, against the contract alone: the layers forbid
//!   `consensus` to import the engine in its tests too, and a small stage makes better stories.
//! * **One word of weather per envelope.** Instead of one cipher stream per link, an envelope has one random word, mixed with
//!   each receiver, and delays are drawn through inverse distribution functions. Streams for a million links cost more
//!   memory than the network itself, and the order of draws no longer matters.
//! * **[`network::Network`] has `carry`, `wake`, `land` and `change`.** With shared uplinks an arrival is not known when a
//!   envelope leaves: later envelopes slow it down. The network asks to be woken when something may have become certain.
//! * **[`Agent::findings`](engine::Agent::findings).** Checkers watch one chain. That a chain's history contradicts what
//!   another chain carries of it can only be seen from between the two, so an agent may find a property broken; the run
//!   adds it to what the checkers of that chain found.
//! * **Some protocols are longer than 800 lines of code**, the bound that every protocol was to keep. It was set before
//!   recovery, catching up and bounded memory were written, which are half of each; cutting them would leave the toy that
//!   we did not want. The bound holds for files; folders that exceed it have a budget each, with its reason, in
//!   `tests/tidy/rules.rs`, so that none grows unseen.
//! * **Faults impair processes** ([`engine::faults`]): a pause, a slow disk or a wrong clock begins and ends by its number,
//!   and adds up with others. Only crashes and what happens to bytes were in the plan.
//! * **A catalogue is handed over** ([`Catalogue`]). The scenario layer once asked the registry by name, so that a protocol
//!   could not live outside this crate. Now it is given a value that says what there is: it knows types no more, only names,
//!   settings, and one function per protocol that builds a chain of it.
//! * **A world is a scenario** ([`explore`]). What a search draws, shrinks and writes down is what people write,
//!   so that every finding is replayed by `ledgerlab run` and none by a seed of the search alone.
//! * **Speed is measured from outside.** [`speed`] builds the workloads that other simulators publish; only the
//!   command line (`ledgerlab bench`) and `benches/` time them, since nothing below reads a clock.

pub mod base;
pub mod chain;
pub mod consensus;
pub mod engine;
pub mod explore;
pub mod ledger;
pub mod network;
pub mod observe;
pub mod protocol;
// The report layer shows progress to people, who live by the wall clock and read standard error.
#[allow(clippy::disallowed_types, clippy::print_stderr)]
pub mod report;
pub mod run;
pub mod scenario;
pub mod speed;
mod standard;
pub mod workload;

pub use scenario::Catalogue;
