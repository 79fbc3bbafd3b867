//! Numbers from a seed, for random settings (`SplitMix64`).

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    #[allow(dead_code, reason = "not every test draws sizes")]
    /// Returns a size from 1 to `most`, each octave as likely as the others.
    pub(crate) fn size(&mut self, most: u64) -> u64 {
        ((most as f64 + 1.0).powf(self.unit()) as u64).clamp(1, most)
    }
}

/// Reads a number from an environment variable.
#[allow(dead_code, reason = "not every test asks for more")]
pub(crate) fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|x| x.parse().ok())
}
