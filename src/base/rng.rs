//! Named random streams.
//!
//! A stream is a `ChaCha8` keystream whose key is derived from `(seed, label, a, b)`. Two consumers never share a
//! stream, so a new consumer takes a new label and changes no other stream. Ranges, exponentials, normals and
//! shuffles are defined here on raw 64-bit words, because the algorithms of libraries change between releases
//! and a run must not.

use super::hash::Digest;
use super::time::Duration;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// An endless sequence of random numbers, a pure function of its name.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream named `(seed, label, a, b)`.
    #[must_use]
    pub fn new(seed: u64, label: &str, a: u64, b: u64) -> Stream {
        let key = Digest::new("stream").u64(seed).bytes(label.as_bytes()).u64(a).u64(b).finish();
        Stream(ChaCha8Rng::from_seed(key.0))
    }
    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
    /// Fills `bytes` at random.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
    /// A whole number in `0..bound`, every one equally likely (Lemire 2019).
    ///
    /// # Panics
    /// If `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "a range needs at least one number");
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(bound);
            if (wide as u64) >= threshold {
                return (wide >> 64) as u64;
            }
        }
    }
    /// An index into a list of `len` things.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }
    /// A span in `[low, high)`; `low` when the range is empty.
    pub fn span(&mut self, low: Duration, high: Duration) -> Duration {
        match high.saturating_sub(low).as_nanos() {
            0 => low,
            width => low + Duration::from_nanos(self.below(width)),
        }
    }
    /// A number in `[0, 1)` with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }
    /// A number in `(0, 1]`, safe to take the logarithm of.
    pub fn open_unit(&mut self) -> f64 {
        ((self.next_u64() >> 11) + 1) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }
    /// Whether an event of probability `p` happens.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
    /// An exponential number of mean 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.open_unit())
    }
    /// A standard normal number (Box and Muller 1958, cosine branch).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(2.0 * self.exponential());
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }
    /// Puts `things` in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.index(last + 1));
        }
    }
}

/// A pure mixing of two words into one (the finaliser of `SplitMix64`, Steele et al. 2014): derives from one drawn
/// word as many words as there are recipients, so that one more recipient does not change the values of the others.
#[must_use]
pub const fn mix(word: u64, index: u64) -> u64 {
    let mut z = word.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_a_function_of_its_whole_name() {
        let first = |seed, label, a, b| Stream::new(seed, label, a, b).next_u64();
        let base = first(1, "link", 2, 3);
        assert_eq!(base, first(1, "link", 2, 3));
        for other in [first(2, "link", 2, 3), first(1, "node", 2, 3), first(1, "link", 3, 2), first(1, "link", 2, 4)] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn the_numbers_of_a_stream_are_frozen() {
        let mut stream = Stream::new(42, "frozen", 0, 0);
        let drawn = [stream.next_u64(), stream.below(1000), (stream.exponential() * 1e12) as u64];
        assert_eq!(drawn, FROZEN, "a change here changes every published result");
    }
    const FROZEN: [u64; 3] = [7_286_615_014_561_004_666, 98, 1_074_185_061_233];

    #[test]
    fn samples_have_the_moments_of_their_law() {
        let mut stream = Stream::new(7, "moments", 0, 0);
        let n = 200_000;
        let mean = |samples: &[f64]| samples.iter().sum::<f64>() / samples.len() as f64;
        let exponential: Vec<f64> = (0..n).map(|_| stream.exponential()).collect();
        let normal: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let squares: Vec<f64> = normal.iter().map(|x| x * x).collect();
        // Four standard errors of each mean.
        assert!((mean(&exponential) - 1.0).abs() < 4.0 / (f64::from(n)).sqrt());
        assert!(mean(&normal).abs() < 4.0 / (f64::from(n)).sqrt());
        assert!((mean(&squares) - 1.0).abs() < 4.0 * 2f64.sqrt() / (f64::from(n)).sqrt());
    }
}
