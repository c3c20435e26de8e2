//! Chance from a seed: splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
//! 2014). Small, and the same on every machine and in every version, which is all that is asked of it here.

/// A stream of numbers that the seed decides.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for `name`, which draws from this one do not disturb.
    pub fn stream(&self, name: &str) -> Self {
        let mixed = name.bytes().fold(self.0, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(Self(mixed).bits())
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both possible. The bias for ranges far below 2^64 does not matter here.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.bits() % (high.saturating_sub(low) + 1)
    }

    /// An index below `len`, 0 if there is none.
    pub fn index(&mut self, len: usize) -> usize {
        (self.bits() % (len.max(1) as u64)) as usize
    }

    /// True in `per_mille` of 1,000 cases.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.bits() % 1000 < u64::from(per_mille)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of splitmix64 for seed 1234567, as other implementations give them.
    #[test]
    fn it_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        assert_eq!(
            [random.bits(), random.bits()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }
    #[test]
    fn between_reaches_both_ends() {
        let mut random = Random::new(7);
        let drawn: Vec<u64> = (0..200).map(|_| random.between(3, 5)).collect();
        assert!(
            drawn.contains(&3) && drawn.contains(&5) && drawn.iter().all(|n| (3..=5).contains(n))
        );
    }
}
