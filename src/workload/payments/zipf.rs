//! Popularity of accounts: Zipf's law by Walker's alias method.
//!
//! Sources: Walker 1977; Vose 1991 for building the table in linear time. A draw costs two random words and one look
//! into the table, whatever the exponent.

use crate::base::Stream;

/// Draws ranks `0..n`, rank `r` with probability proportional to `(r + 1)^-exponent`.
#[derive(Clone, Debug)]
pub struct Zipf {
    /// For each column: the probability to stay in it, and where to go otherwise.
    columns: Vec<(f64, u32)>,
}

impl Zipf {
    /// The law over `n` ranks. Exponent 0 makes all equally popular.
    ///
    /// # Panics
    /// If there are no ranks, or the exponent is not a finite number that is at least 0.
    #[must_use]
    pub fn new(n: u32, exponent: f64) -> Zipf {
        assert!(n > 0 && exponent.is_finite() && exponent >= 0.0, "Zipf's law over {n} ranks, exponent {exponent}");
        let weights: Vec<f64> = (1..=n).map(|rank| libm::pow(f64::from(rank), -exponent)).collect();
        let mean = weights.iter().sum::<f64>() / f64::from(n);
        let mut columns: Vec<(f64, u32)> =
            weights.iter().zip(0..).map(|(weight, rank)| (weight / mean, rank)).collect();
        // Each column below the mean is filled up from one above, until none is above.
        let (mut small, mut large): (Vec<u32>, Vec<u32>) = (0..n).partition(|rank| columns[*rank as usize].0 < 1.0);
        while let (Some(&low), Some(&high)) = (small.last(), large.last()) {
            small.pop();
            let missing = 1.0 - columns[low as usize].0;
            columns[low as usize].1 = high;
            columns[high as usize].0 -= missing;
            if columns[high as usize].0 < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        // What is left differs from 1 by rounding only.
        for rank in small.into_iter().chain(large) {
            columns[rank as usize] = (1.0, rank);
        }
        Zipf { columns }
    }
    /// Draws a rank.
    pub fn draw(&self, random: &mut Stream) -> u32 {
        let column = random.index(self.columns.len());
        let (stay, elsewhere) = self.columns[column];
        if random.chance(stay) { column as u32 } else { elsewhere }
    }
    /// The probability of each rank, as the table has it.
    #[cfg(test)]
    pub(super) fn probabilities(&self) -> Vec<f64> {
        let mut probabilities = vec![0.0; self.columns.len()];
        for (column, (stay, elsewhere)) in self.columns.iter().enumerate() {
            probabilities[column] += stay / self.columns.len() as f64;
            probabilities[*elsewhere as usize] += (1.0 - stay) / self.columns.len() as f64;
        }
        probabilities
    }
}
