//! A protocol from outside the crate in a scenario: a primary orders, and backups keep what it ordered.
//!
//! A block is final when a majority holds it on disk; only then comes the next. No node takes over from a dead primary.
#![allow(clippy::print_stdout)]

use ledgerlab::base::{Duration, FaultModel, Height, Keyring, NodeId, VoterSet, Wire, wire::NUMBER_BYTES};
use ledgerlab::chain::{Block, Limit};
use ledgerlab::protocol::{self, Context, Protocol};
use ledgerlab::{run::run_to_end, scenario::Scenario};
use std::{error::Error, sync::Arc};

const SCENARIO: &str = r#"
name = "own-protocol"
duration = "60s"
chain = [{ protocol.primary = { batch = 100 }, nodes.count = 5 }]
workload.payments.rate = 40
fault = [{ at = "20s", until = "25s", crash.nodes = [0] }, { at = "35s", until = "45s", crash.nodes = [3, 4] }]
check = { progress = "5s", catch_up = "5s" }"#;
const PRIMARY: NodeId = NodeId(0);
const INTERVAL: Duration = Duration::from_millis(200);

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Most transactions of a block. A scenario must say: there is no default.
    batch: u32,
}

/// What a node sends, and writes to its log: I hold all blocks up to this one; take this block.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Message(Height, Option<Arc<Block>>);
impl Wire for Message {
    fn bytes(&self) -> usize {
        NUMBER_BYTES + self.1.as_ref().map_or(0, |block| block.bytes())
    }
    fn kind(&self) -> &'static str {
        if self.1.is_some() { "append" } else { "holds" }
    }
}
impl protocol::Message for Message {
    fn verify(&self, from: NodeId, _: &Keyring) -> bool {
        from == PRIMARY || self.1.is_none()
    }
}
impl protocol::Record for Message {}
/// The memory of a node: the last final block, the one after it, and who holds that.
#[derive(Clone, Debug)]
pub(crate) struct Primary {
    config: Arc<Config>,
    tip: Arc<Block>,
    next: Option<Arc<Block>>,
    holders: VoterSet,
}
impl Primary {
    fn message(&self) -> Message {
        Message(self.next.as_ref().unwrap_or(&self.tip).height(), self.next.clone())
    }
    fn hold(&mut self, block: Arc<Block>, ctx: &mut Context<'_, Primary>) {
        (self.next, self.holders) = (Some(block), VoterSet::default());
        ctx.persist(self.message()); // what is ordered after this waits until it is on disk
    }
}
impl Protocol for Primary {
    const NAME: &'static str = "primary";
    const SUMMARY: &'static str = "a primary and its backups, crash faults n > 2f, no failover";
    const FAULTS: FaultModel = FaultModel::Crash;
    type Config = Config;
    type Message = Message;
    type Timer = ();
    type Record = Message;
    fn boot(config: &Arc<Config>, log: &[Message], ctx: &mut Context<'_, Self>) -> Self {
        let (config, tip) = (config.clone(), ctx.durable());
        let next = log.last().and_then(|record| record.1.clone()).filter(|block| block.parent() == tip.id());
        ctx.set_timer((), INTERVAL);
        Primary { config, tip, next, holders: VoterSet::default() }
    }
    fn on_timer(&mut self, (): (), ctx: &mut Context<'_, Self>) {
        if ctx.me() != PRIMARY {
            return;
        }
        if self.next.is_none() {
            let batch = ctx.template(&self.tip, Limit { bytes: 1_000_000, transactions: self.config.batch });
            let block = ctx.execute(&self.tip, PRIMARY, ctx.now(), &batch);
            self.hold(block, ctx);
        }
        self.holders.add(PRIMARY, ctx.committee());
        ctx.broadcast(self.message());
        ctx.set_timer((), INTERVAL);
    }
    fn on_message(&mut self, from: NodeId, Message(held, block): Message, ctx: &mut Context<'_, Self>) {
        let (upto, committee) = (self.message().0, ctx.committee());
        let decided = self.next.take_if(|next| match &block {
            Some(block) => next.id() == block.parent(), // the primary goes on, so this one is final
            None => held == upto && self.holders.add(from, committee) && self.holders.is_quorum(committee),
        });
        if let Some(decided) = decided {
            ctx.extend(decided.clone());
            ctx.finalize(decided.height());
            self.tip = decided;
        }
        if let Some(block) = block {
            if block.parent() == self.tip.id() && self.next.is_none() && ctx.insert_block(&block).is_some() {
                self.hold(block, ctx);
            }
            ctx.send(PRIMARY, Message(self.message().0, None));
        } else if let Some(block) = ctx.block_at(held.next()) {
            ctx.send(from, Message(held.next(), Some(block)));
        }
    }
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let mut catalogue = ledgerlab::Catalogue::standard();
    catalogue.add_protocol::<Primary>()?;
    let loaded = Scenario::load(&catalogue, "own.toml", SCENARIO, &[]).map_err(|mistakes| mistakes[0].clone())?;
    let outcome = &run_to_end(&catalogue, &loaded.scenario, 1)?.chains[0].outcome;
    let figures = ["throughput", "confirmation_p50", "longest_gap", "safety_violations", "liveness_violations"];
    figures.iter().for_each(|name| println!("{name:>20} {:?}", outcome.summary.value(name)));
    Ok(())
}
