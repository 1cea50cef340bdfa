//! Things kept under small numbers that are used again.

/// A table whose slots are used again once emptied. The same calls give the same numbers.
#[derive(Debug)]
pub struct Slab<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Keeps a thing and returns its number.
    #[inline]
    pub fn insert(&mut self, thing: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(thing);
            return slot;
        }
        self.slots.push(Some(thing));
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 things")
    }
    /// Takes a thing out; its number may be used again.
    ///
    /// # Panics
    /// If the slot is empty.
    #[inline]
    pub fn remove(&mut self, slot: u32) -> T {
        self.free.push(slot);
        self.slots[slot as usize].take().expect("a filled slot")
    }
    /// The thing with this number.
    ///
    /// # Panics
    /// If the slot is empty.
    #[inline]
    #[must_use]
    pub fn get(&self, slot: u32) -> &T {
        self.slots[slot as usize].as_ref().expect("a filled slot")
    }
    /// The thing with this number.
    ///
    /// # Panics
    /// If the slot is empty.
    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut T {
        self.slots[slot as usize].as_mut().expect("a filled slot")
    }
    /// Number of things kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_used_again_only_after_its_thing_was_taken_out() {
        let mut slab = Slab::default();
        let (a, b) = (slab.insert('a'), slab.insert('b'));
        assert_eq!(slab.remove(a), 'a');
        let c = slab.insert('c');
        assert_eq!((c, *slab.get(b), *slab.get(c), slab.len()), (a, 'b', 'c', 2));
    }
}
