//! Who lives between the chains.

use crate::base::{AccountId, ClientId, Keyring, NodeId};
use crate::engine::{Agent, Anchoring, AnchoringSettings};
use crate::scenario::{Agent as AgentTable, Anchor, Scenario};
use std::sync::Arc;

/// What an agent must know of a chain to sign on it: its accounts and clients come behind those of people.
pub(super) struct AgentAccounts {
    /// The keys of the accounts.
    pub keys: Arc<Keyring>,
    /// Accounts of people.
    pub holders: u32,
    /// Clients who are people.
    pub clients: u32,
}

/// The agents that sign on the chain called `name`, each with its place in the scenario.
pub(super) fn writers<'a>(scenario: &'a Scenario, name: &str) -> impl Iterator<Item = (usize, &'a Anchor)> {
    let tables = scenario.agent.iter().map(|AgentTable::Anchor(anchor)| anchor).enumerate();
    tables.filter(move |(_, anchor)| anchor.into == name)
}

/// The agents of a scenario; `accounts` are those of its chains, in order.
pub(super) fn agents(scenario: &Scenario, accounts: &[AgentAccounts]) -> Vec<Box<dyn Agent>> {
    let tables = scenario.agent.iter().map(|AgentTable::Anchor(anchor)| anchor).enumerate();
    tables.map(|(at, table)| Box::new(anchoring(scenario, accounts, at, table)) as Box<dyn Agent>).collect()
}

fn anchoring(scenario: &Scenario, accounts: &[AgentAccounts], at: usize, table: &Anchor) -> Anchoring {
    let number = |name: &str| scenario.chain_named(name).expect("a checked scenario names known chains").0;
    let (from, into) = (number(&table.from), number(&table.into));
    let account = &accounts[into];
    let place = writers(scenario, &table.into).take_while(|(other, _)| *other < at).count() as u32;
    let settings = AnchoringSettings {
        from,
        into,
        names: [table.from.clone(), table.into.clone()],
        every: table.every,
        read: NodeId(table.read),
        watch: table.watch.iter().flatten().copied().map(NodeId).collect(),
        submit: NodeId(table.submit),
        poll: table.poll,
        retry: table.retry,
        fee: table.fee,
        account: AccountId(account.holders + place),
        client: ClientId(account.clients + place),
    };
    Anchoring::new(settings, account.keys.clone())
}
