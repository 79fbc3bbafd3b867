//! Double-double arithmetic of the gate's own (Dekker 1971), with a fused multiply-add where the
//! compiler was told of one.

#[derive(Clone, Copy, Debug)]
pub(crate) struct Dd(pub(crate) f64, pub(crate) f64);

#[inline(always)]
fn exact_sum(a: f64, b: f64) -> Dd {
    let s = a + b;
    let bb = s - a;
    Dd(s, (a - (s - bb)) + (b - bb))
}

#[inline(always)]
fn exact_product(a: f64, b: f64) -> Dd {
    let p = a * b;
    if cfg!(target_feature = "fma") {
        return Dd(p, a.mul_add(b, -p));
    }
    let cut = |x: f64| {
        let c = x * 134_217_729.0;
        let high = c - (c - x);
        (high, x - high)
    };
    let ((ah, al), (bh, bl)) = (cut(a), cut(b));
    Dd(p, al * bl - (((p - ah * bh) - al * bh) - ah * bl))
}

#[inline(always)]
fn tidy(a: f64, b: f64) -> Dd {
    let s = a + b;
    Dd(s, b - (s - a))
}

impl Dd {
    pub(crate) const ZERO: Self = Self(0.0, 0.0);
    pub(crate) const ONE: Self = Self(1.0, 0.0);

    #[inline(always)]
    pub(crate) fn add(self, b: Self) -> Self {
        let s = exact_sum(self.0, b.0);
        tidy(s.0, s.1 + (self.1 + b.1))
    }

    pub(crate) fn sub(self, b: Self) -> Self {
        let s = exact_sum(self.0, -b.0);
        let t = exact_sum(self.1, -b.1);
        let u = tidy(s.0, s.1 + t.0);
        tidy(u.0, u.1 + t.1)
    }

    #[inline(always)]
    pub(crate) fn mul(self, b: Self) -> Self {
        let p = exact_product(self.0, b.0);
        tidy(p.0, p.1 + (self.0 * b.1 + self.1 * b.0))
    }

    pub(crate) fn div(self, b: Self) -> Self {
        let q = self.0 / b.0;
        let r = self.sub(b.mul(Self(q, 0.0)));
        let q2 = r.0 / b.0;
        let r = r.sub(b.mul(Self(q2, 0.0)));
        tidy(q, q2).add(Self(r.0 / b.0, 0.0))
    }

    pub(crate) fn ratio(a: f64, b: f64) -> Self {
        Self(a, 0.0).div(Self(b, 0.0))
    }

    pub(crate) fn powi(self, n: u64) -> Self {
        (0..n).fold(Self::ONE, |p, _| p.mul(self))
    }
}
