use proptest::prelude::*;

use super::*;
use crate::clock::Stamp;
use crate::gossip::item::Fingerprint;

fn item(stamp: u64, id: u64) -> Item {
    Item { stamp: Stamp(stamp), id }
}

/// A well-mixed id, as hashes are.
fn hash(n: u64) -> u64 {
    let mut x = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Reconciles two sets; returns how many steps and ranges that took.
fn reconcile(a: &mut ItemSet, b: &mut ItemSet) -> (usize, usize) {
    let universe: Vec<Item> =
        a.iter(Item::FIRST, Item::END).chain(b.iter(Item::FIRST, Item::END)).collect();
    let mut said = vec![a.overview()];
    let (mut steps, mut ranges, mut by_a) = (0, 0, true);
    while !said.is_empty() {
        steps += 1;
        assert!(steps < 100, "no end");
        let (hearer, sayer) = if by_a { (&mut *b, &mut *a) } else { (&mut *a, &mut *b) };
        let mut reply = Reply::default();
        for part in &said {
            if let Part::Ranges { ranges: all, .. } = part {
                ranges += all.len();
            }
            hearer.answer(part, &mut reply);
        }
        for item in &universe {
            let in_range = reply.send_ranges.iter().any(|(l, u)| l <= item && item < u);
            if (in_range || reply.send.contains(&item.id)) && hearer.contains(*item) {
                sayer.insert(*item);
            }
        }
        said = reply.parts;
        by_a = !by_a;
    }
    (steps, ranges)
}

#[test]
fn a_set_does_what_a_plain_sorted_set_does() {
    let mut set = ItemSet::default();
    let mut plain = BTreeSet::new();
    for n in 0..5000u64 {
        let x = item(hash(n) % 700, hash(n + 1) % 5);
        if hash(n + 2).is_multiple_of(3) {
            assert_eq!(set.remove(x), plain.remove(&x));
        } else {
            assert_eq!(set.insert(x), plain.insert(x));
        }
        assert_eq!(set.contains(x), plain.contains(&x));
    }
    assert_eq!(set.len(), plain.len());
    for n in 0..300u64 {
        let (a, b) = (item(hash(n) % 710, 2), item(hash(n + 9) % 710, 3));
        let (lower, upper) = (a.min(b), a.max(b));
        let there: Vec<Item> = plain.range(lower..upper).copied().collect();
        assert_eq!(set.iter(lower, upper).collect::<Vec<_>>(), there);
        let sum = there.iter().fold(0u64, |sum, x| sum.wrapping_add(x.id));
        assert_eq!(set.range(lower, upper), Fingerprint { count: there.len() as u64, sum });
        let mut from = lower;
        for range in set.divide(lower, upper, 7) {
            assert_eq!(set.range(from, range.upper), range.fingerprint);
            from = range.upper;
        }
        assert_eq!(from, upper);
    }
}

#[test]
fn recent_differences_cost_little_whatever_the_size() {
    let mut a = ItemSet::default();
    for n in 0..100_000 {
        a.insert(item(n, hash(n)));
    }
    let mut b = a.clone();
    for n in 0..20 {
        b.insert(item(200_000 + n, hash(300_000 + n)));
    }
    let (steps, ranges) = reconcile(&mut a, &mut b);
    assert_eq!(a.fingerprint(), b.fingerprint());
    assert!(steps <= 8 && ranges <= 90, "{steps} steps, {ranges} ranges");
}

#[test]
fn one_missing_item_is_named_by_the_sums() {
    let mut a = ItemSet::default();
    for n in 0..100_000 {
        a.insert(item(n, hash(n)));
    }
    let mut b = a.clone();
    b.remove(item(31_415, hash(31_415)));
    let (steps, ranges) = reconcile(&mut b, &mut a);
    assert_eq!(a.fingerprint(), b.fingerprint());
    assert_eq!((steps, ranges), (1, 1));
}

proptest! {
    #[test]
    fn any_two_sets_come_to_hold_the_union(
        both in prop::collection::vec((0u64..50, any::<u64>()), 0..300),
        left in prop::collection::vec((0u64..50, any::<u64>()), 0..60),
        right in prop::collection::vec((0u64..50, any::<u64>()), 0..60),
    ) {
        let fill = |more: &[(u64, u64)]| {
            let mut set = ItemSet::default();
            for &(stamp, id) in both.iter().chain(more) {
                set.insert(item(stamp, id));
            }
            set
        };
        let (mut a, mut b) = (fill(&left), fill(&right));
        reconcile(&mut a, &mut b);
        prop_assert_eq!(a.fingerprint(), b.fingerprint());
    }
}
