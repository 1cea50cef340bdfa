//! Targets, work and the rules of a header: what Bitcoin calls `pow.cpp`, `arith_uint256` and
//! `ContextualCheckBlockHeader`.
//!
//! A target is a 256-bit number; a block's name, read as a little-endian number, must not exceed it. Headers carry
//! the target in a compact form of 32 bits. Every 2016 blocks the target is scaled by the ratio of the time that the
//! last 2016 blocks took (measured over 2015 intervals, a historical off-by-one) to the time they should have taken.

use super::Config;
use crate::base::{Committee, Duration, Hash, Height, Time};
use crate::chain::{BlockIndex, BlockTree, Header, Seal};
use std::fmt;

/// The easiest target, in compact form: about two hashes (Bitcoin's regression-test network). Simulated mining grinds
/// against it whatever the virtual difficulty.
pub const LIMIT_BITS: u32 = 0x207f_ffff;
/// Blocks whose median time a block must exceed (Bitcoin's `nMedianTimeSpan`).
pub const MEDIAN_WINDOW: u64 = 11;
/// Nanoseconds in the unit of a header's time.
const SECOND: u64 = 1_000_000_000;

/// A number of 256 bits.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct U256([u64; 4]);

impl U256 {
    /// Nothing.
    pub const ZERO: U256 = U256([0; 4]);
    /// The largest.
    pub const MAX: U256 = U256([u64::MAX; 4]);

    /// A small number.
    #[must_use]
    pub const fn new(value: u128) -> U256 {
        U256([value as u64, (value >> 64) as u64, 0, 0])
    }
    /// A hash as a little-endian number.
    #[must_use]
    pub fn of_hash(hash: &Hash) -> U256 {
        let limb = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| hash.0[8 * at + byte]));
        U256(std::array::from_fn(limb))
    }
    /// The number of bits without leading zeros.
    #[must_use]
    pub fn bits(&self) -> u32 {
        (0..4).rev().find(|&at| self.0[at] != 0).map_or(0, |at| 64 * at as u32 + 64 - self.0[at].leading_zeros())
    }
    /// The sum, or the largest number.
    #[must_use]
    pub fn saturating_add(self, other: U256) -> U256 {
        let (mut sum, mut carry) = (U256::ZERO, false);
        for at in 0..4 {
            let (partial, over) = self.0[at].overflowing_add(other.0[at]);
            let (total, again) = partial.overflowing_add(u64::from(carry));
            (sum.0[at], carry) = (total, over || again);
        }
        if carry { U256::MAX } else { sum }
    }
    /// `self * numerator / denominator`, rounded down, exact in between; the largest number if it does not fit.
    ///
    /// # Panics
    /// If `denominator` is zero.
    #[must_use]
    pub fn scale(self, numerator: u64, denominator: u64) -> U256 {
        let mut product = [0u64; 5];
        for at in 0..4 {
            let wide = u128::from(self.0[at]) * u128::from(numerator) + u128::from(product[at]);
            (product[at], product[at + 1]) = (wide as u64, (wide >> 64) as u64);
        }
        let mut remainder = 0u128;
        for limb in product.iter_mut().rev() {
            let wide = (remainder << 64) | u128::from(*limb);
            *limb = (wide / u128::from(denominator)) as u64;
            remainder = wide % u128::from(denominator);
        }
        if product[4] == 0 { U256(std::array::from_fn(|at| product[at])) } else { U256::MAX }
    }
    /// `self / divisor`, rounded down, bit by bit.
    ///
    /// # Panics
    /// If `divisor` is zero.
    #[must_use]
    pub fn divide(self, divisor: U256) -> U256 {
        assert!(divisor != U256::ZERO, "a divisor is not zero");
        let (mut quotient, mut remainder) = (U256::ZERO, U256::ZERO);
        for bit in (0..self.bits() as usize).rev() {
            // The remainder stays below the divisor; the bit shifted out of it counts too.
            let out = remainder.0[3] >> 63 != 0;
            remainder = remainder.shift_left(1);
            remainder.0[0] |= self.0[bit / 64] >> (bit % 64) & 1;
            if out || remainder >= divisor {
                remainder = remainder.wrapping_sub(divisor);
                quotient.0[bit / 64] |= 1 << (bit % 64);
            }
        }
        quotient
    }
    fn wrapping_sub(self, other: U256) -> U256 {
        let (mut difference, mut borrow) = (U256::ZERO, false);
        for at in 0..4 {
            let (partial, under) = self.0[at].overflowing_sub(other.0[at]);
            let (total, again) = partial.overflowing_sub(u64::from(borrow));
            (difference.0[at], borrow) = (total, under || again);
        }
        difference
    }
    fn shift_left(self, by: u32) -> U256 {
        let (limbs, bits) = ((by / 64) as usize, by % 64);
        let limb = |at: usize| if at < limbs { 0 } else { self.0[at - limbs] };
        let below = |at: usize| if at == 0 || bits == 0 { 0 } else { limb(at - 1) >> (64 - bits) };
        U256(std::array::from_fn(|at| limb(at) << bits | below(at)))
    }
    fn shift_right(self, by: u32) -> U256 {
        let (limbs, bits) = ((by / 64) as usize, by % 64);
        let limb = |at: usize| self.0.get(at + limbs).copied().unwrap_or(0);
        let above = |at: usize| if bits == 0 { 0 } else { limb(at + 1) << (64 - bits) };
        U256(std::array::from_fn(|at| limb(at) >> bits | above(at)))
    }
    /// The nearest floating-point numbers, up to rounding of each limb.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0.iter().rev().fold(0.0, |sum, &limb| sum * 18_446_744_073_709_551_616.0 + limb as f64)
    }
}

impl Ord for U256 {
    fn cmp(&self, other: &U256) -> std::cmp::Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl PartialOrd for U256 {
    fn partial_cmp(&self, other: &U256) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for U256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}{:016x}{:016x}", self.0[3], self.0[2], self.0[1], self.0[0])
    }
}

/// The largest value that a block's name may have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Target(pub U256);

impl Target {
    /// Reads the compact form: an exponent to base 256 in the high byte, a sign bit, a mantissa of 23 bits. `None` if
    /// negative, zero, too large for 256 bits, or above the limit.
    #[must_use]
    pub fn from_compact(bits: u32) -> Option<Target> {
        let (size, word) = (bits >> 24, bits & 0x007f_ffff);
        let negative = bits & 0x0080_0000 != 0;
        let overflow = size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32);
        let mantissa = U256::new(u128::from(word));
        let value =
            if size <= 3 { mantissa.shift_right(8 * (3 - size)) } else { mantissa.shift_left(8 * (size - 3).min(31)) };
        let sound = !negative && !overflow && value != U256::ZERO && value <= Target::limit().0;
        sound.then_some(Target(value))
    }
    /// The compact form, rounded down to 23 bits of mantissa.
    #[must_use]
    pub fn to_compact(self) -> u32 {
        let mut size = self.0.bits().div_ceil(8);
        let shifted = if size <= 3 { self.0.shift_left(8 * (3 - size)) } else { self.0.shift_right(8 * (size - 3)) };
        let mut mantissa = shifted.0[0] as u32;
        if mantissa & 0x0080_0000 != 0 {
            // The mantissa's highest bit is the sign, so a number that would set it moves down by one byte.
            mantissa >>= 8;
            size += 1;
        }
        mantissa | size << 24
    }
    /// The easiest target.
    #[must_use]
    pub const fn limit() -> Target {
        Target(U256([0, 0, 0, 0x7fff_ff00_0000_0000]))
    }
    /// The target that takes `hashes` hashes on average; the limit for two or fewer.
    #[must_use]
    pub fn of_hashes(hashes: u128) -> Target {
        Target(U256::MAX.divide(U256::new(hashes.max(1)))).min(Target::limit())
    }
    /// The expected number of hashes, `floor(2^256 / (target + 1))`.
    #[must_use]
    pub fn work(self) -> U256 {
        let complement = U256(self.0.0.map(|limb| !limb));
        complement.divide(self.0.saturating_add(U256::new(1))).saturating_add(U256::new(1))
    }
    /// The probability that one hash meets the target, `(target + 1) / 2^256`.
    #[must_use]
    pub fn probability(self) -> f64 {
        let two_to_256 = U256::MAX.to_f64();
        self.0.saturating_add(U256::new(1)).to_f64() / two_to_256
    }
    /// Whether a block named `id` meets the target.
    #[must_use]
    pub fn is_met_by(self, id: &Hash) -> bool {
        U256::of_hash(id) <= self.0
    }
}

/// The target of a header in compact form; `None` for a header without proof of work, as genesis.
#[must_use]
pub fn bits_of(header: &Header) -> Option<u32> {
    match header.seal {
        Seal::Work { bits, .. } => Some(bits),
        Seal::None | Seal::Fields(_) => None,
    }
}

/// The work of one block; none for genesis.
#[must_use]
pub fn work_of(header: &Header) -> U256 {
    bits_of(header).and_then(Target::from_compact).map_or(U256::ZERO, Target::work)
}

/// Whether a header has the form of proof of work and its name meets at least the easiest target. Needs no context.
#[must_use]
pub fn is_sealed(header: &Header, id: &Hash) -> bool {
    let seconds = header.time.as_nanos() / SECOND;
    let is_whole = header.time.as_nanos().is_multiple_of(SECOND) && u32::try_from(seconds).is_ok();
    let has_target = bits_of(header).is_some_and(|bits| Target::from_compact(bits).is_some());
    is_whole && has_target && Target::limit().is_met_by(id)
}

/// A chain of headers: blocks of the tree up to `base`, then headers whose bodies are not here yet.
#[derive(Clone, Copy)]
pub struct Branch<'a> {
    tree: &'a BlockTree,
    base: BlockIndex,
    above: &'a [Header],
}

impl<'a> Branch<'a> {
    /// The blocks up to `base`, then `above`, each the child of the one before.
    #[must_use]
    pub fn new(tree: &'a BlockTree, base: BlockIndex, above: &'a [Header]) -> Branch<'a> {
        Branch { tree, base, above }
    }
    /// The last header.
    #[must_use]
    pub fn tip(&self) -> &'a Header {
        self.above.last().unwrap_or(&self.tree.block(self.base).header)
    }
    /// The header at `height`, which is not above the tip.
    fn at(&self, height: Height) -> &'a Header {
        let base = self.tree.height(self.base);
        if height > base {
            &self.above[(height.0 - base.0 - 1) as usize]
        } else {
            &self.tree.block(self.tree.ancestor(self.base, height)).header
        }
    }
    /// The median of the times of the last eleven headers.
    #[must_use]
    pub fn median_time_past(&self) -> Time {
        let tip = self.tip().height.0;
        let lowest = (tip + 1).saturating_sub(MEDIAN_WINDOW);
        let mut times: Vec<Time> = (lowest..=tip).map(|height| self.at(Height(height)).time).collect();
        times.sort_unstable();
        times[times.len() / 2]
    }
}

/// Why a header is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderFault {
    /// Never will be.
    Invalid(&'static str),
    /// Its time is too far ahead of this node's clock: it may be accepted later.
    Early,
}

/// The rules that a header must obey on its branch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// Compact target of the first epoch.
    initial: u32,
    /// Blocks between adjustments; 0 for none.
    interval: u64,
    /// What an epoch should take.
    timespan: Duration,
    /// By how much one adjustment scales at most, either way.
    clamp: u64,
    /// How far ahead of this node's clock a block's time may be.
    future: Duration,
    /// Whether a block's name must meet its own target, and not only the limit.
    ground: bool,
}

impl Rules {
    /// The rules of `config` where the hash power is that of `committee`.
    #[must_use]
    pub fn new(config: &Config, committee: &Committee) -> Rules {
        let hashes = u128::from(committee.total())
            .saturating_mul(u128::from(config.hash_rate))
            .saturating_mul(u128::from(config.spacing.as_nanos()))
            / u128::from(SECOND);
        Rules {
            initial: Target::of_hashes(hashes).to_compact(),
            interval: config.retarget,
            timespan: config.spacing * config.retarget,
            clamp: config.clamp,
            future: config.future_limit,
            ground: config.mining == super::Mining::Ground,
        }
    }
    /// The compact target that a child of this branch's tip must carry.
    #[must_use]
    pub fn next_bits(&self, branch: &Branch<'_>) -> u32 {
        let tip = branch.tip();
        let bits = bits_of(tip).unwrap_or(self.initial);
        let height = tip.height.next();
        if self.interval == 0 || !height.0.is_multiple_of(self.interval) {
            return bits;
        }
        let first = branch.at(Height(height.0 - self.interval));
        self.retarget(bits, tip.time.since(first.time))
    }
    /// The compact target after an epoch at `bits` that took `span` from its first block to its last.
    ///
    /// # Panics
    /// If the difficulty is fixed: there are no epochs then.
    #[must_use]
    pub fn retarget(&self, bits: u32, span: Duration) -> u32 {
        let span = span.clamp(self.timespan / self.clamp, self.timespan * self.clamp);
        let old = Target::from_compact(bits).unwrap_or(Target::limit());
        let new = old.0.scale(span.as_nanos(), self.timespan.as_nanos());
        Target(new.max(U256::new(1))).min(Target::limit()).to_compact()
    }
    /// The time that a miner puts into a child of this branch's tip: its clock in whole seconds, but more than the
    /// median of the past.
    #[must_use]
    pub fn next_time(branch: &Branch<'_>, now: Time) -> Time {
        let least = branch.median_time_past() + Duration::from_secs(1);
        Time::from_nanos(now.as_nanos() / SECOND * SECOND).max(least)
    }
    /// Judges a header as the child of the branch's tip.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, branch: &Branch<'_>, header: &Header, id: &Hash, now: Time) -> Result<(), HeaderFault> {
        let bits = self.next_bits(branch);
        if bits_of(header) != Some(bits) {
            return Err(HeaderFault::Invalid("the target is not the one due"));
        }
        if self.ground && !Target::from_compact(bits).is_some_and(|target| target.is_met_by(id)) {
            return Err(HeaderFault::Invalid("the name does not meet the target"));
        }
        // A valid parent is never before the median up to itself: it was later than the sixth of the eleven before
        // it, so at least as late as the sixth after it joined. A block later than its parent needs no further check.
        if header.time <= branch.tip().time && header.time <= branch.median_time_past() {
            return Err(HeaderFault::Invalid("the time is not after the median of the past"));
        }
        if header.time > now + self.future {
            return Err(HeaderFault::Early);
        }
        Ok(())
    }
    /// The work of the blocks above height `from` on the path to `tip`.
    #[must_use]
    pub fn work_above(&self, tree: &BlockTree, from: Height, tip: BlockIndex) -> U256 {
        let (mut sum, mut at) = (U256::ZERO, tip);
        while tree.height(at) > from {
            // All blocks of an epoch carry the same target, so a stretch is a multiplication.
            let height = tree.height(at).0;
            let epoch = if self.interval == 0 { 0 } else { height - height % self.interval };
            let below = from.0.max(epoch.saturating_sub(1));
            sum = sum.saturating_add(work_of(&tree.block(at).header).scale(height - below, 1));
            at = tree.ancestor(at, Height(below));
        }
        sum
    }
    /// Whether the chain up to `a` holds more work than the chain up to `b`.
    #[must_use]
    pub fn is_heavier(&self, tree: &BlockTree, a: BlockIndex, b: BlockIndex) -> bool {
        if self.interval == 0 {
            return tree.height(a) > tree.height(b);
        }
        let fork = tree.height(tree.fork_point(a, b));
        self.work_above(tree, fork, a) > self.work_above(tree, fork, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{FaultModel, NodeId, Stream};
    use crate::chain::{Batch, Block};
    use proptest::prelude::*;

    /// The first bits of a target, from its hexadecimal digits.
    fn value(digits: &str) -> U256 {
        let digit =
            |sum: U256, c: char| sum.shift_left(4).saturating_add(U256::new(u128::from(c.to_digit(16).unwrap())));
        digits.chars().fold(U256::ZERO, digit)
    }
    fn rules() -> Rules {
        Rules::new(&Config::default(), &Committee::new(4, FaultModel::Byzantine))
    }
    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn compact_targets_meet_the_vectors_of_bitcoin_core() {
        // src/test/arith_uint256_tests.cpp, bignum_SetCompact.
        for (bits, digits, back) in [
            (0x0112_3456, "12", 0x0112_0000),
            (0x0200_8000, "80", 0x0200_8000),
            (0x0212_3456, "1234", 0x0212_3400),
            (0x0312_3456, "123456", 0x0312_3456),
            (0x0412_3456, "12345600", 0x0412_3456),
            (0x0500_9234, "92340000", 0x0500_9234),
            (0x2012_3456, "1234560000000000000000000000000000000000000000000000000000000000", 0x2012_3456),
        ] {
            let target = Target::from_compact(bits).unwrap();
            assert_eq!((target.0, target.to_compact()), (value(digits), back), "{bits:#x}");
        }
        for unsound in [0, 0x0012_3456, 0x0100_3456, 0x0200_0056, 0x0492_3456, 0x01fe_dcba, 0xff12_3456, 0x2080_0001] {
            assert_eq!(Target::from_compact(unsound), None, "{unsound:#x}: zero, negative or too large");
        }
        assert_eq!(Target::from_compact(0x2100_ffff), None, "above the limit");
        assert_eq!(Target::from_compact(LIMIT_BITS), Some(Target::limit()));
    }

    #[test]
    fn adjustments_meet_the_vectors_of_bitcoin_core() {
        // src/test/pow_tests.cpp: an adjustment, and the clamp on either side.
        for (first, last, bits, next) in [
            (1_261_130_161, 1_262_152_739, 0x1d00_ffff, 0x1d00_d86a),
            (1_279_008_237, 1_279_297_671, 0x1c05_a3f4, 0x1c01_68fd),
            (1_263_163_443, 1_269_211_443, 0x1c38_7f6f, 0x1d00_e1fd),
        ] {
            assert_eq!(rules().retarget(bits, seconds(last - first)), next, "{bits:#x}");
        }
    }

    #[test]
    fn an_epoch_is_measured_over_one_interval_less_and_clamped() {
        let old = Target::from_compact(0x1c40_0000).unwrap();
        let scaled = |numerator, denominator| Target(old.0.scale(numerator, denominator)).to_compact();
        let next = |interval: u64| rules().retarget(old.to_compact(), seconds(2_015 * interval));
        assert_eq!(next(300), scaled(604_500, 1_209_600));
        assert_eq!(next(60), scaled(1, 4));
        assert_eq!(next(6_000), scaled(4, 1));
    }

    #[test]
    fn the_work_of_the_first_difficulty_is_known() {
        let target = Target::from_compact(0x1d00_ffff).unwrap();
        assert_eq!(target.work(), U256::new(0x0001_0001_0001), "chain work of Bitcoin's genesis");
        assert_eq!(Target::limit().work(), U256::new(2));
        assert!((target.probability() * 4_295_032_833.0 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_first_difficulty_gives_the_spacing_to_the_whole_power() {
        let committee = Committee::weighted(vec![400_000; 10_000], FaultModel::Byzantine);
        let rules = Rules::new(&Config::default(), &committee);
        let expected = 1.0 / Target::from_compact(rules.initial).unwrap().probability();
        let spacing = expected / (4e9 * 100.0);
        assert!((spacing / 600.0 - 1.0).abs() < 1e-4, "{spacing} s");
    }

    /// A sample of the gamma law of this shape (Marsaglia and Tsang 2000).
    fn gamma(shape: f64, random: &mut Stream) -> f64 {
        let d = shape - 1.0 / 3.0;
        loop {
            let x = random.normal();
            let v = libm::pow(1.0 + x / libm::sqrt(9.0 * d), 3.0);
            if v > 0.0 && libm::log(random.open_unit()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    #[test]
    fn the_long_run_mean_interval_is_600_596_seconds() {
        // The mean of 600 x 2016 / Gamma(2015): the off-by-one, and the mean of an inverse.
        let (rules, epochs) = (rules(), 200_000);
        let mut random = Stream::new(6, "retarget", 0, 0);
        let first = 0x1c40_0000;
        let unit = 600.0 * Target::from_compact(first).unwrap().probability();
        let (mut bits, mut sum) = (first, 0.0);
        for _ in 0..epochs {
            let mean = unit / Target::from_compact(bits).unwrap().probability();
            let span = gamma(2_015.0, &mut random) * mean;
            sum += (span + random.exponential() * mean) / 2_016.0;
            bits = rules.retarget(bits, Duration::from_secs_f64(span));
        }
        let mean = sum / f64::from(epochs);
        assert!((mean - 600.596).abs() < 4.0 * 19.0 / f64::from(epochs).sqrt(), "{mean}");
    }

    #[test]
    fn a_step_of_the_hash_power_is_followed_in_two_epochs() {
        for (power, days) in [(0.1, [140.0, 35.0, 14.0]), (2.0, [7.0, 14.0, 14.0]), (10.0, [1.4, 5.6, 14.0])] {
            let first = 0x1c40_0000;
            let unit = Target::from_compact(first).unwrap().probability();
            let mut bits = first;
            for expected in days {
                let interval = 600.0 / power * unit / Target::from_compact(bits).unwrap().probability();
                let epoch = interval * 2_016.0 / 86_400.0;
                assert!((epoch / expected - 1.0).abs() < 2e-3, "power {power}: {epoch} days, expected {expected}");
                bits = rules().retarget(bits, Duration::from_secs_f64(interval * 2_015.0));
            }
        }
    }

    fn chain(tree: &mut BlockTree, parent: BlockIndex, seconds: u64, bits: u32) -> BlockIndex {
        let (above, batch) = (tree.block(parent), Batch::empty());
        let header = Header {
            parent: above.id(),
            height: above.height().next(),
            merkle: batch.digest(),
            time: Time::ZERO + Duration::from_secs(seconds),
            proposer: NodeId(0),
            seal: Seal::Work { bits, nonce: 0 },
        };
        tree.insert(&Block::new(header, batch)).unwrap()
    }

    #[test]
    fn only_the_first_block_of_an_epoch_changes_the_target_by_the_times_of_the_last() {
        let config = Config { retarget: 4, ..Config::default() };
        let rules = Rules::new(&config, &Committee::new(4, FaultModel::Byzantine));
        let mut tree = BlockTree::new();
        let times = [0, 1_000, 1_500, 2_100, 9_000, 9_100, 11_000, 12_345];
        let mut tip = BlockIndex::GENESIS;
        for height in 1..=8 {
            let bits = rules.next_bits(&Branch::new(&tree, tip, &[]));
            let before = bits_of(&tree.block(tip).header).unwrap_or(rules.initial);
            let expected = match height {
                4 => rules.retarget(before, seconds(2_100)),
                8 => rules.retarget(before, seconds(12_345 - 9_000)),
                _ => before,
            };
            assert_eq!(bits, expected, "height {height}");
            assert!(height % 4 != 0 || bits != before, "height {height}");
            tip = chain(&mut tree, tip, times.get(height).copied().unwrap_or(20_000), bits);
        }
    }

    #[test]
    fn the_heavier_chain_is_not_always_the_longer_one() {
        let config = Config { retarget: 4, ..Config::default() };
        let rules = Rules::new(&config, &Committee::new(4, FaultModel::Byzantine));
        let mut tree = BlockTree::new();
        let (easy, hard) = (0x2010_0000, 0x2004_0000);
        let stem = (1..=3).fold(BlockIndex::GENESIS, |at, n| chain(&mut tree, at, n, easy));
        let long = (0..3).fold(stem, |at, n| chain(&mut tree, at, 100 + n, easy));
        let short = chain(&mut tree, stem, 200, hard);
        let naive = |mut at: BlockIndex| {
            let mut sum = U256::ZERO;
            while at != stem {
                sum = sum.saturating_add(work_of(&tree.block(at).header));
                at = tree.parent(at);
            }
            sum
        };
        assert!(rules.is_heavier(&tree, short, long) && !rules.is_heavier(&tree, long, short));
        for tip in [long, short] {
            assert_eq!(rules.work_above(&tree, Height(3), tip), naive(tip));
        }
        let all = rules.work_above(&tree, Height(0), short);
        assert_eq!(all, naive(short).saturating_add(work_of(&tree.block(stem).header).scale(3, 1)));
    }

    proptest! {
        #[test]
        fn division_and_scaling_are_those_of_whole_numbers(
            a in any::<u128>(), b in any::<u128>(), n in any::<u64>(), d in 1u64..,
        ) {
            let b = b.max(1);
            prop_assert_eq!(U256::new(a).divide(U256::new(b)), U256::new(a / b));
            let small = a >> 64;
            prop_assert_eq!(U256::new(small).scale(n, d), U256::new(small * u128::from(n) / u128::from(d)));
            prop_assert_eq!(U256::new(a).shift_left(96).divide(U256::new(b).shift_left(96)), U256::new(a / b));
        }
        #[test]
        fn a_compact_target_reads_back_and_rounds_down(bits in 0x0300_8000u32..0x207f_ffff) {
            if let Some(target) = Target::from_compact(bits) {
                prop_assert_eq!(Target::from_compact(target.to_compact()), Some(target));
                let above = Target(target.0.saturating_add(U256::new(1)));
                prop_assert!(above.to_compact() == target.to_compact() || bits >> 24 == 3);
            }
        }
        /// The shortcut of `Rules::check`.
        #[test]
        fn a_valid_parent_is_never_before_the_median_up_to_itself(steps in proptest::collection::vec(1u64..30, 40)) {
            let mut tree = BlockTree::new();
            let mut tip = BlockIndex::GENESIS;
            for step in steps {
                let branch = Branch::new(&tree, tip, &[]);
                prop_assert!(branch.median_time_past() <= branch.tip().time);
                // The least time that is valid, or some more.
                let time = branch.median_time_past().as_nanos() / SECOND + step;
                tip = chain(&mut tree, tip, time, LIMIT_BITS);
            }
        }
    }
}
