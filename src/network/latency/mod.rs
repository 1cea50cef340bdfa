//! One-way propagation delay.
//!
//! Model: for an envelope `k` from node `i` to node `j`
//!
//! ```text
//! delay(i, j, k) = access(i) + access(j) + base(i, j) * (1 + jitter(i, j, k))        at least the floor
//! ```
//!
//! in one of two forms. By **medians** of region pairs, `base = M[region i][region j] * exp(sigma * z)`: `z` is normal,
//! cut off at 4, and drawn once per link from a hash of the seed and the unordered pair, so that a link is the same in
//! both directions and throughout a run, and nothing is stored per link. By **laws**, one for all pairs or one per
//! region pair, `base` is drawn anew for each envelope or once per link, without jitter.
//!
//! Jitter on the public Internet is `c * Exp(1)` on top of the base, with a scale `c = exp(N(-4.76, 1.45))`, at most
//! 0.5, that belongs to the link (fit to 57,568 city pairs of WonderNetwork 2018). Between the regions of a cloud
//! there is practically none (standard deviation of the logarithm 0.0004 within minutes); inside one the base is
//! multiplied by `0.8 + 0.2 exp(0.38 z)`, and one envelope in a thousand takes 1 to 10 times as long (fit to 224,640
//! pings between EC2 instances).
//!
//! Simplified: routes do not change during a run, jitter of successive envelopes is independent, and links of one node
//! share no congestion. Whether envelopes of one link may overtake each other is not decided here.
//!
//! Delays are asked for by the ten million: [`Latency::delay`] looks up tables of whole numbers and computes no
//! logarithm outside the far tails of a law.

mod distribution;
mod table;
#[cfg(test)]
mod tests;

pub use distribution::{Distribution, normal_cdf, normal_quantile};

use super::Delay;
use super::dataset::LatencyTable;
use super::import::Links;
use crate::base::rng::mix;
use crate::base::{Digest, Duration, NodeId, OutOfRange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use table::{Factors, Log2, ONE, SPARE_BITS, Table, times};

/// No envelope travels faster: kernel, network card and switch of a local network.
pub const FLOOR: Duration = Duration::from_micros(20);

/// How the delays of messages on one link differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Not at all.
    #[default]
    Off,
    /// As on the public Internet.
    Internet,
    /// As in a cloud: within a region as in a local network, between regions not at all.
    Cloud,
}

/// When a delay is drawn from its distribution.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DelaySampling {
    /// Anew for each message.
    #[default]
    PerMessage,
    /// Once for each pair of nodes.
    PerLink,
}

/// Where a node is: the number of its region in the table in use.
pub type Region = u8;

/// One-way propagation delays between all pairs of nodes.
#[derive(Clone, Debug)]
pub struct Latency {
    model: Model,
    /// Region of each node; empty if there is only one.
    region: Vec<Region>,
    /// Access delay of each node in nanoseconds; empty if there is none.
    access: Vec<u64>,
    /// Links whose base is given; they take precedence.
    links: Links,
    floor: u64,
    /// Delays are rounded to multiples of it; zero leaves them as they are.
    quantum: u64,
    least: u64,
}

#[derive(Clone, Debug)]
enum Model {
    Laws(Laws),
    Medians(Box<Medians>),
}

/// A law per region pair.
#[derive(Clone, Debug)]
struct Laws {
    regions: usize,
    /// For each pair of regions, row by row, its place in `tables`: pairs with equal laws share one.
    table_of: Vec<u16>,
    tables: Vec<Table>,
    sampling: DelaySampling,
    /// What the delays of links are drawn from, if each has one.
    seed: u64,
}

/// A median and a spread per region pair.
#[derive(Clone, Debug)]
struct Medians {
    regions: usize,
    /// Row by row.
    pairs: Vec<Pair>,
    factors: Factors,
    seed: u64,
    jitter: JitterLaw,
}

/// What is known of the links between two regions.
#[derive(Clone, Copy, Debug)]
struct Pair {
    /// In nanoseconds.
    median: u64,
    /// Standard deviation of the logarithm over links.
    sigma: Log2,
    /// Whether both regions are the same.
    within: bool,
}

/// The scale of Internet jitter over links.
#[derive(Clone, Copy, Debug)]
struct Scale {
    mu: Log2,
    sigma: Log2,
}

#[derive(Clone, Debug)]
enum JitterLaw {
    Off,
    /// The scale over links, and a standard exponential law in units of 2^-32.
    Internet(Scale, Table),
    /// The factor of a local network in units of 2^-32.
    Cloud(Table),
}

/// Logarithm of the scale of Internet jitter: mean over links.
const SCALE_MU: f64 = -4.76;
/// Logarithm of the scale of Internet jitter: standard deviation over links.
const SCALE_SIGMA: f64 = 1.45;
/// Greatest scale of Internet jitter, in units of 2^-32.
const SCALE_MAX: u64 = ONE / 2;
/// Part of a delay in a local network that never varies.
const LAN_FIXED: f64 = 0.8;
/// Standard deviation of the logarithm of the rest.
const LAN_SIGMA: f64 = 0.38;
/// One envelope in a thousand is held up in a local network: of `2^SPARE_BITS` words, so many say so.
const LAN_SPIKES: u64 = (1 << SPARE_BITS) / 1000;

impl Latency {
    /// One law for every pair of nodes, drawn anew for each envelope.
    ///
    /// # Errors
    /// The first law whose parameters are out of range.
    pub fn from_distribution(law: &Distribution) -> Result<Latency, OutOfRange> {
        Latency::of_laws(0, std::slice::from_ref(law), Vec::new(), DelaySampling::PerMessage)
    }
    /// A law for each pair of regions, row by row, and the region of each node. Delays that are drawn once per link are drawn
    /// from `seed`.
    ///
    /// # Errors
    /// The first law whose parameters are out of range.
    ///
    /// # Panics
    /// If `laws` is not square, or names fewer regions than nodes live in.
    pub fn of_laws(
        seed: u64,
        laws: &[Distribution],
        region: Vec<Region>,
        sampling: DelaySampling,
    ) -> Result<Latency, OutOfRange> {
        if let Some(invalid) = laws.iter().flat_map(Distribution::check).next() {
            return Err(invalid);
        }
        let regions = laws.len().isqrt();
        assert!(regions * regions == laws.len(), "laws of region pairs fill a square");
        let mut distinct: Vec<&Distribution> = Vec::new();
        let mut table_of = Vec::with_capacity(laws.len());
        for law in laws {
            let place = distinct.iter().position(|known| *known == law).unwrap_or_else(|| {
                distinct.push(law);
                distinct.len() - 1
            });
            table_of.push(u16::try_from(place).expect("at most 2^16 pairs of regions"));
        }
        let tables = distinct.into_iter().map(Table::new).collect();
        Ok(Latency::assemble(Model::Laws(Laws { regions, table_of, tables, sampling, seed }), region, regions))
    }
    /// Delays as SimBlock draws them from the means of `table`, in whole milliseconds. Gervais et al. 2016 draw the
    /// same laws once per link and do not round: `with_quantum(Duration::ZERO)`.
    ///
    /// # Errors
    /// The first law whose parameters are out of range.
    pub fn simblock(
        seed: u64,
        table: &LatencyTable,
        region: Vec<Region>,
        sampling: DelaySampling,
    ) -> Result<Latency, OutOfRange> {
        let numbers = || 0..=Region::MAX;
        let pairs =
            numbers().take(table.regions()).flat_map(|from| numbers().take(table.regions()).map(move |to| (from, to)));
        let laws: Vec<Distribution> =
            pairs.map(|(from, to)| Distribution::Simblock { mean: table.median(from, to) }).collect();
        Ok(Latency::of_laws(seed, &laws, region, sampling)?.with_quantum(Duration::from_millis(1)))
    }
    /// Medians and spreads of region pairs, and the region of each node.
    ///
    /// # Panics
    /// If a node lives in a region that the table does not have.
    #[must_use]
    pub fn of_regions(seed: u64, table: &LatencyTable, region: Vec<Region>, jitter: Jitter) -> Latency {
        let regions = table.regions();
        let numbers = || 0..=Region::MAX;
        let pairs = numbers().take(regions).flat_map(|from| numbers().take(regions).map(move |to| (from, to)));
        let pair = |(from, to)| Pair {
            median: table.median(from, to).as_nanos(),
            sigma: Log2::of_natural(table.sigma(from, to)),
            within: from == to,
        };
        let one = Duration::from_nanos(ONE);
        let jitter = match jitter {
            Jitter::Off => JitterLaw::Off,
            Jitter::Internet => {
                let scale = Scale { mu: Log2::of_natural(SCALE_MU), sigma: Log2::of_natural(SCALE_SIGMA) };
                JitterLaw::Internet(scale, Table::new(&Distribution::Exponential { mean: one }))
            }
            Jitter::Cloud => {
                let least = Duration::from_nanos((LAN_FIXED * ONE as f64) as u64);
                JitterLaw::Cloud(Table::new(&Distribution::ShiftedLognormal {
                    min: least,
                    median: one,
                    sigma: LAN_SIGMA,
                }))
            }
        };
        let seed = Digest::new("latency").u64(seed).finish().short();
        let medians = Medians { regions, pairs: pairs.map(pair).collect(), factors: Factors::new(), seed, jitter };
        Latency::assemble(Model::Medians(Box::new(medians)), region, regions)
    }

    fn assemble(model: Model, region: Vec<Region>, regions: usize) -> Latency {
        assert!(region.iter().all(|region| usize::from(*region) < regions), "a node lives in a region of the table");
        assert!(regions == 1 || !region.is_empty(), "with several regions, each node must have one");
        let floor = FLOOR.as_nanos();
        let mut latency =
            Latency { model, region, access: Vec::new(), links: Links::default(), floor, quantum: 0, least: 0 };
        latency.settle();
        latency
    }
    /// Adds to each delay the access delays of both ends; `access` has one per node, or is empty for none.
    #[must_use]
    pub fn with_access(mut self, access: &[Duration]) -> Latency {
        self.access = access.iter().map(|span| span.as_nanos()).collect();
        self.settle();
        self
    }
    /// Takes the base of single links from `links` where they give one. Jitter and access delay come on top.
    #[must_use]
    pub fn with_links(mut self, links: Links) -> Latency {
        self.links = links;
        self.settle();
        self
    }
    /// Sets the least delay, [`FLOOR`] otherwise.
    #[must_use]
    pub fn with_floor(mut self, floor: Duration) -> Latency {
        self.floor = floor.as_nanos();
        self.settle();
        self
    }
    /// Rounds delays to whole multiples of `quantum`, and those below the floor up. Zero ends rounding.
    #[must_use]
    pub fn with_quantum(mut self, quantum: Duration) -> Latency {
        self.quantum = quantum.as_nanos();
        self.settle();
        self
    }

    /// Place of the pair in a table of `regions` squared.
    #[inline]
    fn pair(&self, regions: usize, from: NodeId, to: NodeId) -> usize {
        if self.region.is_empty() {
            return 0;
        }
        usize::from(self.region[from.index()]) * regions + usize::from(self.region[to.index()])
    }
    /// The base that is given for a link, in nanoseconds.
    #[inline]
    fn given(&self, from: NodeId, to: NodeId) -> Option<u64> {
        if self.links.is_empty() {
            return None;
        }
        self.links.get(from, to).and_then(|link| link.latency).map(Duration::as_nanos)
    }
    /// Adds the access delays, keeps the floor, rounds.
    #[inline]
    fn finish(&self, base: u64, from: NodeId, to: NodeId) -> Duration {
        let mut delay = base;
        if !self.access.is_empty() {
            delay = delay.saturating_add(self.access[from.index()]).saturating_add(self.access[to.index()]);
        }
        Duration::from_nanos(self.round(delay))
    }
    #[inline]
    fn round(&self, delay: u64) -> u64 {
        if self.quantum == 0 {
            return delay.max(self.floor);
        }
        let nearest = delay.saturating_add(self.quantum / 2) / self.quantum;
        nearest.max(self.floor.div_ceil(self.quantum)).saturating_mul(self.quantum)
    }
    /// Finds the least delay that any envelope between different nodes may meet.
    fn settle(&mut self) {
        let access = self.access.iter().min().map_or(0, |least| least.saturating_mul(2));
        let inhabited = self.inhabited();
        let modelled = match &self.model {
            Model::Laws(laws) => {
                let pairs = inhabited.iter().map(|pair| usize::from(laws.table_of[*pair]));
                pairs.map(|table| laws.tables[table].least()).min()
            }
            Model::Medians(medians) => inhabited.iter().map(|pair| medians.least(*pair)).min(),
        };
        let given = self.links.latencies().min().map(|least| match &self.model {
            Model::Medians(medians) => medians.jittered_least(true, least.as_nanos()),
            Model::Laws(_) => least.as_nanos(),
        });
        let base = modelled.into_iter().chain(given).min().unwrap_or(0);
        self.least = self.round(base.saturating_add(access));
    }
    /// Pairs of regions that two different nodes live in.
    fn inhabited(&self) -> Vec<usize> {
        if self.region.is_empty() {
            return vec![0];
        }
        let regions = match &self.model {
            Model::Laws(laws) => laws.regions,
            Model::Medians(medians) => medians.regions,
        };
        let mut nodes = vec![0usize; regions];
        self.region.iter().for_each(|region| nodes[usize::from(*region)] += 1);
        let live = |pair: &usize| {
            let (from, to) = (pair / regions, pair % regions);
            nodes[from] > 0 && nodes[to] > usize::from(from == to)
        };
        (0..regions * regions).filter(live).collect()
    }
}

impl Delay for Latency {
    #[inline]
    fn delay(&self, from: NodeId, to: NodeId, word: u64) -> Duration {
        let given = self.given(from, to);
        let base = match &self.model {
            Model::Laws(laws) => given.unwrap_or_else(|| {
                let word = match laws.sampling {
                    DelaySampling::PerMessage => word,
                    DelaySampling::PerLink => link_word(laws.seed, from, to),
                };
                laws.table(self.pair(laws.regions, from, to)).draw(word)
            }),
            Model::Medians(medians) => {
                let pair = self.pair(medians.regions, from, to);
                let link = link_word(medians.seed, from, to);
                let base = given.unwrap_or_else(|| medians.base(pair, link));
                medians.jittered(pair, base, link, word)
            }
        };
        self.finish(base, from, to)
    }

    fn typical(&self, from: NodeId, to: NodeId) -> Duration {
        let given = self.given(from, to);
        let base = match &self.model {
            Model::Laws(laws) => given.unwrap_or_else(|| {
                let table = laws.table(self.pair(laws.regions, from, to));
                match laws.sampling {
                    DelaySampling::PerMessage => table.median(),
                    DelaySampling::PerLink => table.draw(link_word(laws.seed, from, to)),
                }
            }),
            Model::Medians(medians) => {
                let link = link_word(medians.seed, from, to);
                let base = given.unwrap_or_else(|| medians.base(self.pair(medians.regions, from, to), link));
                medians.jittered_median(base, link)
            }
        };
        self.finish(base, from, to)
    }

    fn least(&self) -> Duration {
        Duration::from_nanos(self.least)
    }
}

/// 64 random bits that belong to the unordered pair.
#[inline]
fn link_word(seed: u64, a: NodeId, b: NodeId) -> u64 {
    let (low, high) = (a.0.min(b.0), a.0.max(b.0));
    mix(seed, u64::from(low) << 32 | u64::from(high))
}

impl Laws {
    #[inline]
    fn table(&self, pair: usize) -> &Table {
        &self.tables[usize::from(self.table_of[pair])]
    }
}

impl Medians {
    /// The base of the link that owns the word `link`.
    #[inline]
    fn base(&self, pair: usize, link: u64) -> u64 {
        let Pair { median, sigma, .. } = self.pairs[pair];
        times(median, self.factors.draw(Log2::ZERO, sigma, link))
    }
    /// The delay of an envelope with the random word `word` on a link of this base.
    #[inline]
    fn jittered(&self, pair: usize, base: u64, link: u64, word: u64) -> u64 {
        match &self.jitter {
            JitterLaw::Off => base,
            JitterLaw::Internet(scale, exponential) => {
                base + times(base, times(exponential.draw(word), self.scale(*scale, link)))
            }
            JitterLaw::Cloud(factor) if self.pairs[pair].within => {
                let usual = times(base, factor.draw(word));
                // The low bits of the word are not used by the table.
                if word & ((1 << SPARE_BITS) - 1) < LAN_SPIKES { spike(usual, mix(word, 0)) } else { usual }
            }
            JitterLaw::Cloud(_) => base,
        }
    }
    /// Scale of the Internet jitter of a link, in units of 2^-32.
    #[inline]
    fn scale(&self, scale: Scale, link: u64) -> u64 {
        self.factors.draw(scale.mu, scale.sigma, mix(link, 1)).min(SCALE_MAX)
    }
    /// The median of [`Medians::jittered`].
    fn jittered_median(&self, base: u64, link: u64) -> u64 {
        match &self.jitter {
            JitterLaw::Internet(scale, exponential) => {
                base + times(base, times(exponential.median(), self.scale(*scale, link)))
            }
            JitterLaw::Off | JitterLaw::Cloud(_) => base,
        }
    }
    /// The least of [`Medians::jittered`].
    fn jittered_least(&self, within: bool, base: u64) -> u64 {
        match &self.jitter {
            JitterLaw::Cloud(factor) if within => times(base, factor.least()),
            _ => base,
        }
    }
    /// The least delay of any link of the pair.
    fn least(&self, pair: usize) -> u64 {
        self.jittered_least(self.pairs[pair].within, self.base(pair, 0))
    }
}

/// A delay held up: 1 to 10 times as long.
#[cold]
fn spike(usual: u64, word: u64) -> u64 {
    usual + times(usual, 9 * (word >> 32))
}
