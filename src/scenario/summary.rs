//! What a scenario would run, for people.

use super::model::choice::word;
use super::{
    Agent, Attack, Chain, Disk, Fault, Latency, NodeSelector, Nodes, Rate, Regions, Scenario, Weights, Workload,
    estimate,
};
use crate::engine::StopRule;
use std::collections::BTreeMap;

/// What a checked scenario would run: pairs of a heading and a line, in order.
#[must_use]
pub fn summary(scenario: &Scenario) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut line = |heading: &str, text: String| lines.push((heading.to_owned(), text));
    if !scenario.question.is_empty() {
        line("question", scenario.question.clone());
    }
    let seeds = &scenario.seeds.0;
    match seeds.as_slice() {
        [seed] => line("runs", format!("1, seed {seed}")),
        [first, .., last] => line("runs", format!("{}, seeds {first} to {last}", seeds.len())),
        [] => {}
    }
    let stop = match scenario.stop {
        None => String::new(),
        Some(StopRule::FinalTransactions(many)) => format!(", or until {many} transactions are final"),
        Some(StopRule::Height(height)) => format!(", or until some node has block {height}"),
        Some(StopRule::FinalHeight(many)) => format!(", or until block {many} is final"),
    };
    line("time", format!("{}{stop}, measured after {}", scenario.duration(), scenario.warm_up));
    for variant in &scenario.variant {
        let keys: Vec<String> = variant.set.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        line(&format!("variant {}", variant.name), keys.join(", "));
    }
    for chain in &scenario.chain {
        line(&format!("chain {}", chain.name), format!("{} on the {} ledger", chain.protocol.name, chain.ledger.name));
        line("  nodes", nodes(&chain.nodes));
        line("  machines", machines(&chain.nodes));
        line("  network", network(chain));
    }
    if let Some(Workload::Payments(payments)) = &scenario.workload {
        let pace = match payments.rate {
            Some(rate) => format!("{rate} tx/s, {}", word(&payments.arrival)),
            None => word(&payments.arrival),
        };
        let clients = payments.clients.unwrap_or_default();
        let who = format!("{clients} clients, {} accounts", payments.accounts);
        line("workload", format!("payments on {}: {pace}, {}, {who}", payments.chain, payments.bytes));
    }
    if let Some(Workload::Model(choice)) = &scenario.workload {
        line("workload", choice.name.clone());
    }
    for fault in &scenario.fault {
        line("fault", self::fault(fault));
    }
    for adversary in &scenario.adversary {
        let what = match &adversary.attack {
            Attack::Generic(attack) => attack.describe(),
            Attack::Protocol(name) => name.clone(),
        };
        line("adversary", format!("{} of {}: {what}", adversary.nodes, adversary.chain));
    }
    for Agent::Anchor(anchor) in &scenario.agent {
        let numbers = |numbers: &[u32]| NodeSelector::Numbers(numbers.to_vec()).to_string();
        let (read, submit, watch) =
            (numbers(&[anchor.read]), numbers(&[anchor.submit]), numbers(anchor.watch.as_deref().unwrap_or_default()));
        let what = format!("block {} of {} by {read}, and so on", anchor.every, anchor.from);
        line("agent", format!("anchors {what}, in {} by {submit}; {watch} compared", anchor.into));
    }
    let progress = match scenario.check.progress {
        Some(bound) => format!("safety, and progress within {bound}"),
        None => "safety".to_owned(),
    };
    line("checks", progress);
    line("memory", format!("about {} per run", estimate::show(estimate(scenario).total())));
    lines
}

fn nodes(nodes: &Nodes) -> String {
    let place = match &nodes.regions {
        Regions::Nowhere => String::new(),
        Regions::Shares(name) => format!(", placed as {name}"),
        Regions::InTurn(names) => format!(", in turn in {}", names.join(", ")),
        Regions::Counts(counts) => {
            let mut first = 0;
            let mut ranges: BTreeMap<&str, String> = BTreeMap::new();
            for (name, many) in counts.iter().filter(|(_, many)| **many > 0) {
                let last = first + many - 1;
                let range = if first == last { format!("n{first}") } else { format!("n{first}-n{last}") };
                ranges.insert(name, range);
                first += many;
            }
            let ranges: Vec<String> = ranges.iter().map(|(name, range)| format!("{range} {name}")).collect();
            format!(": {}", ranges.join(", "))
        }
    };
    let weights = match &nodes.weights {
        Weights::Equal => String::new(),
        Weights::List(_) => ", weighted".to_owned(),
        Weights::Shares(name) => format!(", weights {name}"),
    };
    let faulty = match (&nodes.weights, nodes.max_faulty) {
        (Weights::Equal, Some(faulty)) => format!(", f = {faulty}"),
        _ => String::new(),
    };
    format!("{}{place}{weights}{faulty}", nodes.count())
}

fn machines(nodes: &Nodes) -> String {
    let rate = |rate: &Rate| match rate {
        Rate::Unlimited => "unlimited".to_owned(),
        Rate::Fixed(rate) => rate.to_string(),
        Rate::ByRegion(name) => name.clone(),
    };
    let disk = match &nodes.disk {
        Disk::Profile(name) => name.clone(),
        Disk::Lognormal { median, sigma } => format!("lognormal median {median} sigma {sigma}"),
    };
    let groups = match nodes.group.len() {
        0 => String::new(),
        many => format!(", {many} groups differ"),
    };
    let (up, down) = (rate(&nodes.upload), rate(&nodes.download));
    format!("{} cores at speed {}, up {up}, down {down}, disk {disk}{groups}", nodes.cores, nodes.cpu_speed)
}

fn network(chain: &Chain) -> String {
    let network = &chain.network;
    let latency = match network.latency() {
        Latency::Regions { data, .. } | Latency::Simblock { data } => data.clone(),
        other => word(other),
    };
    let model = network.model.as_ref().map_or(String::new(), |model| format!(", as {} has it", model.name));
    format!(
        "latency {latency}, uplink {}, topology {}, gossip {}, transaction relay {}{model}",
        word(&network.uplink),
        word(&network.topology),
        word(&network.gossip),
        word(&network.transaction_relay)
    )
}

fn fault(fault: &Fault) -> String {
    let until = fault.until.map_or("the end".to_owned(), |until| until.to_string());
    let what = fault.kind().map_or_else(String::new, |kind| kind.spec().describe());
    let again =
        fault.repeat.map_or(String::new(), |repeat| format!(", for {} every {}", repeat.duration, repeat.every));
    format!("{} to {until} on {}: {what}{again}", fault.at, fault.chain)
}
