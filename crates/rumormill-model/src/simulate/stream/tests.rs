use super::*;

/// Returns χ² of counts against equal expectations, as a distance in standard deviations.
fn distance(counts: &[u64]) -> f64 {
    let total: u64 = counts.iter().sum();
    let expected = total as f64 / counts.len() as f64;
    let chi: f64 = counts.iter().map(|&c| (c as f64 - expected).powi(2) / expected).sum();
    let degrees = counts.len() as f64 - 1.0;
    (chi - degrees) / (2.0 * degrees).sqrt()
}

#[test]
fn addresses_and_draws_agree() {
    let stream = Stream::new(3, Purpose::Contacts).child(9);
    let mut draws = stream.draws();
    for i in 0..100 {
        assert_eq!(draws.bits(), stream.at(i));
    }
}

#[test]
fn the_numbers_never_change() {
    // Runs are named by seed and number: these must not change from version to version.
    let stream = Stream::new(42, Purpose::Contacts).child(7).child(3);
    let seen = [stream.at(0), stream.at(1), stream.at(u64::MAX)];
    assert_eq!(seen, PINNED, "{seen:#x?}");
}

const PINNED: [u64; 3] = [0x34a5_b86c_4efe_70eb, 0xa939_28ab_5bb9_323d, 0x6369_6a98_bdaa_a427];

#[test]
fn bytes_are_even_along_a_stream_and_across_streams() {
    // χ² of every byte of a number: along one stream; at one address of neighbouring rounds, of
    // neighbouring runs and of neighbouring seeds; and of differences of neighbouring streams.
    // Eight bytes times five cases, each within 4.5 standard deviations; seeds are fixed, so that
    // this passes always or never.
    type Case = fn(u64) -> u64;
    let cases: [(&str, Case); 5] = [
        ("along", |i| Stream::new(1, Purpose::Contacts).child(0).child(1).at(i)),
        ("rounds", |i| Stream::new(1, Purpose::Contacts).child(0).child(i).at(5)),
        ("runs", |i| Stream::new(1, Purpose::Contacts).child(i).child(1).at(5)),
        ("seeds", |i| Stream::new(i, Purpose::Contacts).child(0).child(1).at(5)),
        ("differences", |i| {
            let run = Stream::new(1, Purpose::Contacts).child(i >> 8);
            run.child(1).at(i & 255).wrapping_sub(run.child(2).at(i & 255))
        }),
    ];
    for (name, number) in cases {
        let mut counts = vec![[0u64; 256]; 8];
        for i in 0..100_000 {
            for (count, byte) in counts.iter_mut().zip(number(i).to_le_bytes()) {
                count[usize::from(byte)] += 1;
            }
        }
        for (byte, count) in counts.iter().enumerate() {
            let d = distance(count);
            assert!(d.abs() < 4.5, "{name}, byte {byte}: {d}");
        }
    }
}

#[test]
fn neighbours_in_time_and_place_are_independent() {
    // Pairs of 4-bit picks: of a node in two rounds, of two nodes in a round, and of a pick with
    // the loss decided from the same number.
    let run = Stream::new(5, Purpose::Contacts).child(3);
    let pair = |i: u64, case: u64| {
        let a = run.child(i / 1000).at(i % 1000);
        match case {
            0 => (a, run.child(i / 1000 + 1).at(i % 1000)),
            1 => (a, run.child(i / 1000).at(i % 1000 + 1)),
            _ => (a, below(a, 16).1),
        }
    };
    for case in 0..3 {
        let mut counts = vec![0u64; 256];
        for i in 0..200_000 {
            let (a, b) = pair(i, case);
            counts[(below(a, 16).0 * 16 + below(b, 16).0) as usize] += 1;
        }
        let d = distance(&counts);
        assert!(d.abs() < 4.5, "case {case}: {d}");
    }
}

#[test]
fn every_bit_of_the_address_changes_half_the_number() {
    for bit in 0..64 {
        let mut changed = 0;
        for i in 0..2000u64 {
            let stream = Stream::new(8, Purpose::Values).child(i);
            let a = stream.child(i).at(i);
            changed += (a ^ stream.child(i ^ (1 << bit)).at(i)).count_ones();
            changed += (a ^ stream.child(i).at(i ^ (1 << bit))).count_ones();
        }
        let mean = f64::from(changed) / 4000.0;
        assert!((mean - 32.0).abs() < 0.4, "bit {bit}: {mean}");
    }
}

#[test]
fn shuffles_are_even() {
    let mut draws = Stream::new(6, Purpose::Order).draws();
    let mut counts = vec![0u64; 24];
    for _ in 0..48_000 {
        let mut items = [0u8, 1, 2, 3];
        draws.shuffle(&mut items);
        let rank = items.iter().enumerate().fold(0, |rank, (i, &x)| {
            let less = items[i..].iter().filter(|&&y| y < x).count();
            rank * (4 - i) + less
        });
        counts[rank] += 1;
    }
    assert!(distance(&counts).abs() < 4.5, "{counts:?}");
}

#[test]
fn thresholds_are_probabilities() {
    assert_eq!(threshold(0.0), 0);
    assert_eq!(threshold(0.5), 1 << 63);
    assert_eq!(threshold(1.0), u64::MAX);
    let mut draws = Stream::new(6, Purpose::Interest).draws();
    let hits = (0..100_000).filter(|_| draws.chance(0.3)).count();
    assert!((hits as f64 - 30_000.0).abs() < 4.5 * 145.0, "{hits}");
    let mean = (0..100_000).map(|_| draws.exponential()).sum::<f64>() / 1e5;
    assert!((mean - 1.0).abs() < 0.015, "{mean}");
}
