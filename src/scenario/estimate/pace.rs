//! How fast the protocols make blocks, and what their nodes keep of each other's votes.

use crate::base::Duration;
use crate::network::gossip::GossipModel;
use crate::scenario::{Chain, Rate};

/// Seconds between two blocks, where the settings of a protocol say so.
pub(super) fn spacing(chain: &Chain) -> Option<f64> {
    // Ripple closes a ledger as soon as it may, and agrees on it as soon as it may after the last.
    const KEYS: [&str; 7] = ["spacing", "period", "block_period", "step", "slot", "interval", "min_previous_round"];
    let settings = &chain.protocol.settings;
    let text = KEYS.iter().find_map(|key| settings.get(*key)?.as_str())?;
    text.parse::<Duration>().ok().map(Duration::as_secs_f64).filter(|spacing| *spacing > 0.0)
}

/// Blocks per second where nothing but agreement sets the pace: measured among 4 and 40 nodes, 40 ms apart from each other.
fn per_second(chain: &Chain) -> f64 {
    let in_flight = |key: &str| chain.protocol.settings.get(key).and_then(toml::Value::as_integer).unwrap_or(1) as f64;
    match chain.protocol.name.as_str() {
        _ if chain.nodes.count() == 1 => 600.0,
        "raft" => (12.0 * in_flight("in_flight")).min(800.0),
        "pbft" => (8.0 * in_flight("window")).min(800.0),
        _ => 10.0,
    }
}

/// Blocks that a chain will have, at most about. Where nothing else sets the pace, none is made without a payment.
pub(super) fn blocks(chain: &Chain, lasting: Duration, submitted: u64) -> u64 {
    match spacing(chain) {
        Some(spacing) => (lasting.as_secs_f64() / spacing) as u64 + 1,
        None => submitted.min((lasting.as_secs_f64() * per_second(chain)) as u64) + 1,
    }
}

/// Payments of so many bytes per second that blocks can hold, and that the uplink of the proposer can send to all nodes.
pub(super) fn capacity(chain: &Chain, bytes: u64) -> Option<f64> {
    let settings = &chain.protocol.settings;
    let number = |value: &toml::Value| value.as_integer().map(|number| number as f64);
    let limit = ["batch", "block"].iter().find_map(|key| settings.get(*key)?.as_table());
    let by_number = limit.map_or(settings.get("batch_transactions"), |limit| limit.get("transactions"))?;
    let of_bytes = limit.and_then(|limit| limit.get("bytes")).and_then(number);
    let by_bytes = of_bytes.map_or(f64::INFINITY, |most| most / bytes.max(1) as f64);
    let pace = spacing(chain).map_or_else(|| per_second(chain), f64::recip);
    let agreed = number(by_number)?.min(by_bytes) * pace;
    let others = f64::from(chain.nodes.count().saturating_sub(1));
    let sent = match (&chain.nodes.upload, &chain.network.gossip) {
        (Rate::Fixed(rate), GossipModel::Direct {}) if others > 0.0 => {
            rate.0 as f64 / 8.0 / others / bytes.max(1) as f64
        }
        _ => f64::INFINITY,
    };
    Some(agreed.min(sent))
}

/// Bytes that a node keeps per block of each other node, and of so many blocks at most: measured among 40, 60 and 100 nodes
/// that were asked for next to nothing.
pub(super) fn votes(chain: &Chain) -> (u64, u64) {
    match chain.protocol.name.as_str() {
        // Two votes of each, for what the log holds and the checkpoint after it.
        "pbft" => (70, 300),
        // What each peer is known to have; votes of the last heights.
        "tendermint" => (100, 50),
        "qbft" => (75, 200),
        "scp" => (400, 100),
        "ripple" => (250, 100),
        "threshold" => (170, 100),
        _ => (0, 0),
    }
}
