//! Which payments a node has checked: one bit each.

/// The numbers of payments that a node found to be signed by their senders. It forgets them when it crashes.
#[derive(Clone, Debug, Default)]
pub(super) struct CheckedSignatures(Vec<u64>);

impl CheckedSignatures {
    #[inline]
    pub fn add(&mut self, number: u32) {
        let (word, bit) = (number as usize / 64, number % 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << bit;
    }
    #[inline]
    pub fn holds(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_held_and_nothing_else() {
        let mut checked = CheckedSignatures::default();
        assert!(!checked.holds(0));
        for number in [0, 63, 64, 1_000] {
            checked.add(number);
        }
        let held: Vec<u32> = (0..2_000).filter(|number| checked.holds(*number)).collect();
        assert_eq!(held, [0, 63, 64, 1_000]);
    }
}
