//! What TCP adds to a fluid model of bandwidth: slow start, the limit of the window, the limit of losses.
//!
//! Closed forms, with round trip R, segments of m = 1448 B and initial window W0 = 14 600 B:
//!
//! ```text
//! most one connection reaches   r = min(W_max / R, max(Mathis, CUBIC))
//! Mathis et al. 1997            m 8 / R * 1.22 / sqrt(p)
//! CUBIC, RFC 9438               m 8 / R * 1.054 * (R / p)^0.75
//! rounds to fill the pipe       n = ceil(log2(W / w)),  W = rate * R,  w the window it starts with
//! rounds before the last        j = min(n, ceil(log2(S / w + 1)) - 1)
//! time lost to the ramp         E = j R - w (2^j - 1) / rate
//! ```
//!
//! so that a transfer of S bytes takes S / rate + E + R / 2. A connection is cold when first used and after it idled
//! for more than max(1 s, R); otherwise it keeps the window it reached. `W_max` = 3.9 MB was fitted to iperf3
//! transfers between EC2 regions (Leios, September 2025), which these equations reproduce to within the sender's
//! socket buffer.
//!
//! Simplified: the rate of a transfer is its average rate in the fluid model; the share of an uplink that a capped
//! connection leaves unused is lost. Not modelled: connection set-up, BBR, middleboxes. Envelopes within one initial
//! window know no ramp; a lost segment costs them a round trip or a retransmission timeout.

use crate::base::rng::mix;
use crate::base::{Duration, NodeId, Time};
use crate::network::sampling::{below, unit};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;
/// Separates the random bits of lost segments from those of other variation.
const SALT: u64 = 0x7365_676d_656e_7473;

/// How TCP behaves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tcp {
    /// Bytes of the initial window: ten segments of 1460 B (RFC 6928).
    pub initial_window: u64,
    /// Bytes of the largest window, fitted.
    pub window_max: u64,
    /// Bytes of payload in a segment (1500 less 52 of headers with time stamps).
    pub segment: u64,
    /// A connection idle for longer than this, or than a round trip, starts cold (RFC 5681 section 4.1).
    pub idle: Duration,
    /// Least retransmission timeout (Linux).
    pub retransmission_min: Duration,
    /// Probability that a segment is lost.
    pub loss: f64,
}

impl Default for Tcp {
    fn default() -> Tcp {
        Tcp {
            initial_window: 14_600,
            window_max: 3_900_000,
            segment: 1_448,
            idle: Duration::from_secs(1),
            retransmission_min: Duration::from_millis(200),
            loss: 0.0,
        }
    }
}

impl Tcp {
    /// Most bits per second of one connection with this round trip.
    #[must_use]
    pub fn cap(&self, round_trip: Duration) -> u64 {
        if round_trip.is_zero() {
            return u64::MAX;
        }
        let window = u128::from(self.window_max) * 8 * SECOND / u128::from(round_trip.as_nanos());
        let window = u64::try_from(window).unwrap_or(u64::MAX);
        if self.loss <= 0.0 {
            return window;
        }
        let seconds = round_trip.as_secs_f64();
        let per_round = self.segment as f64 * 8.0 / seconds;
        let mathis = per_round * 1.22 / libm::sqrt(self.loss);
        let cubic = per_round * 1.054 * libm::pow(seconds / self.loss, 0.75);
        window.min(mathis.max(cubic) as u64).max(1)
    }

    /// What the ramp of `bytes` costs on a connection whose window is `window`, at `rate` bits per second when
    /// full; and the window reached.
    #[must_use]
    pub fn ramp(&self, bytes: u64, window: u64, rate: u64, round_trip: Duration) -> (Duration, u64) {
        let (round_trip, rate) = (u128::from(round_trip.as_nanos()), u128::from(rate.max(1)));
        let (bytes, window) = (u128::from(bytes), u128::from(window.max(1)));
        let full = (rate * round_trip / (8 * SECOND)).max(window);
        let mut rounds = 0;
        while window << rounds < full && window * ((2 << rounds) - 1) < bytes {
            rounds += 1;
        }
        let sent = window * ((1 << rounds) - 1);
        let lost = (round_trip * rounds).saturating_sub(sent * 8 * SECOND / rate);
        let reached = (window << (rounds + 1)).min(full);
        let short = |wide: u128| u64::try_from(wide).unwrap_or(u64::MAX);
        (Duration::from_nanos(short(lost)), short(reached))
    }

    /// The delay that lost segments add to an envelope within one initial window: a round trip if three later segments
    /// notify the sender, a timeout otherwise. Larger envelopes meet losses through [`Tcp::cap`].
    #[must_use]
    pub fn penalty(&self, bytes: u64, round_trip: Duration, word: u64) -> Duration {
        let segments = bytes.div_ceil(self.segment);
        if self.loss <= 0.0 || segments == 0 {
            return Duration::ZERO;
        }
        let hit = 1.0 - libm::pow(1.0 - self.loss, segments as f64);
        if unit(mix(word ^ SALT, 0)) >= hit {
            return Duration::ZERO;
        }
        let behind = below(mix(word ^ SALT, 1), segments);
        if behind > 3 { round_trip } else { round_trip.max(self.retransmission_min) }
    }
}

/// The connections that have carried more than one initial window.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections {
    /// By sender and receiver; never iterated.
    open: FxHashMap<(NodeId, NodeId), Connection>,
    /// When nodes last crashed: their connections from before are gone.
    crashed: BTreeMap<NodeId, Time>,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    /// Bytes of the window reached.
    window: u64,
    /// When its last bit left, or will leave.
    free: Time,
}

impl Connections {
    /// When the last bit of a large envelope leaves that the fluid model sends from `start` to `finish`.
    pub(super) fn leave(
        &mut self,
        tcp: &Tcp,
        (from, to): (NodeId, NodeId),
        bytes: u64,
        (start, finish): (Time, Time),
        round_trip: Duration,
    ) -> Time {
        let cap = tcp.cap(round_trip);
        let took = u128::from(finish.since(start).as_nanos());
        let fluid = (u128::from(bytes) * 8 * SECOND).checked_div(took).unwrap_or(u128::MAX);
        let rate = cap.min(u64::try_from(fluid).unwrap_or(u64::MAX));
        let crashed = [from, to].iter().filter_map(|node| self.crashed.get(node)).max().copied();
        let known = self.open.get(&(from, to)).filter(|known| crashed.is_none_or(|crash| known.free > crash));
        let begin = known.map_or(start, |known| known.free.max(start));
        let warm = known.filter(|known| start.since(known.free) <= tcp.idle.max(round_trip));
        let window = warm.map_or(tcp.initial_window, |known| known.window);
        let (ramp, window) = tcp.ramp(bytes, window, rate, round_trip);
        let free = finish.max(begin + Duration::of_transfer(bytes * 8, cap)) + ramp;
        self.open.insert((from, to), Connection { window, free });
        free
    }
    /// `node` crashed: its connections are closed.
    pub(super) fn close(&mut self, now: Time, node: NodeId) {
        if !self.open.is_empty() {
            self.crashed.insert(node, now);
        }
    }
}
