//! Asking for memory before it is needed.

/// Starts loading the element into the caches. It changes nothing that a program can see, and an
/// index out of range does no harm.
#[inline(always)]
#[allow(unsafe_code, reason = "an intrinsic")]
pub(crate) fn prefetch<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let address = slice.as_ptr().wrapping_add(index).cast::<i8>();
        // SAFETY: a prefetch is a hint. It reads no value and never faults, whatever the address
        // (Intel SDM, PREFETCHh); `wrapping_add` makes no promise about the address either.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, index);
}
