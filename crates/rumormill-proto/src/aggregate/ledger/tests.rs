use bnum::cast::As;
use proptest::prelude::*;

use super::*;

const C: Component = 1;

fn units(n: i128) -> Mass {
    n.as_::<Mass>()
}

fn answer(ledger: &mut Ledger, from: u64, seq: u64, snapshot: &Masses) -> Answer {
    ledger.answer(id(from), seq, snapshot, Some(Steps::FINEST), 2)
}

fn id(n: u64) -> NodeId {
    NodeId(n)
}

/// The ledger's rule, checked on every component of every ledger.
fn assert_balanced(ledgers: &[Ledger]) {
    for ledger in ledgers {
        for account in &ledger.accounts {
            let (taken, given) = ledger.totals(account.component);
            assert_eq!(account.mass, account.input + taken - given);
        }
        let Some(record) = &ledger.record else { continue };
        let held = Record::measure(record.centre, |component| ledger.mass(component));
        assert_eq!(record.held, held);
        for (span, held) in record.span.iter().zip(held) {
            assert!(span.low <= held && held <= span.high);
        }
    }
}

fn exchange(ledgers: &mut [Ledger], a: usize, b: usize, seq: u64) {
    ledgers[a].pushed(id(b as u64), seq, 2);
    let snapshot = ledgers[a].masses();
    assert_eq!(answer(&mut ledgers[b], a as u64, seq, &snapshot), Answer::Fresh);
    let reply = ledgers[b].taken(id(a as u64));
    assert!(ledgers[a].settle(id(b as u64), seq, &reply));
}

#[test]
fn five_and_ten_become_seven_and_a_half_each() {
    let mut ledgers = vec![Ledger::default(); 2];
    ledgers[0].set_inputs(&[(C, units(5 << 64))]);
    ledgers[1].set_inputs(&[(C, units(10 << 64))]);
    exchange(&mut ledgers, 0, 1, 1);
    assert_eq!(ledgers[0].mass(C), units(15 << 63));
    assert_eq!(ledgers[1].mass(C), units(15 << 63));
    assert_balanced(&ledgers);
}

#[test]
fn repeated_and_stale_messages_change_nothing() {
    let mut ledgers = vec![Ledger::default(); 2];
    ledgers[0].set_inputs(&[(C, units(8))]);
    ledgers[0].pushed(id(1), 1, 2);
    let early = ledgers[0].masses();
    answer(&mut ledgers[1], 0, 1, &early);
    let reply = ledgers[1].taken(id(0));
    ledgers[0].settle(id(1), 1, &reply);
    assert_eq!((ledgers[0].mass(C), ledgers[1].mass(C)), (units(4), units(4)));
    assert_eq!(answer(&mut ledgers[1], 0, 1, &early), Answer::Repeated);
    assert_eq!(ledgers[1].taken(id(0)), reply);
    assert!(!ledgers[0].settle(id(1), 1, &reply));
    ledgers[0].set_inputs(&[(C, units(16))]);
    exchange(&mut ledgers, 0, 1, 2);
    assert_eq!(answer(&mut ledgers[1], 0, 1, &early), Answer::Stale);
    assert_eq!((ledgers[0].mass(C), ledgers[1].mass(C)), (units(8), units(8)));
    assert_balanced(&ledgers);
}

#[test]
fn a_lost_reply_is_made_up_for_by_the_next() {
    let mut ledgers = vec![Ledger::default(); 2];
    ledgers[0].set_inputs(&[(C, units(100))]);
    ledgers[0].pushed(id(1), 1, 2);
    let snapshot = ledgers[0].masses();
    answer(&mut ledgers[1], 0, 1, &snapshot);
    // The reply is lost; the span must allow for what the peer has taken once it is known.
    ledgers[0].restart_record(0.0);
    exchange(&mut ledgers, 0, 1, 2);
    assert_balanced(&ledgers);
    assert_eq!(ledgers[0].mass(C) + ledgers[1].mass(C), units(100));
    assert!(ledgers[0].recorded()[1].low <= mass::wide(units(50)));
}

#[test]
fn forgetting_a_peer_undoes_its_share_exactly() {
    let mut ledgers = vec![Ledger::default(); 3];
    for (n, ledger) in ledgers.iter_mut().enumerate() {
        ledger.set_inputs(&[(C, units(1000 * n as i128 + 7))]);
    }
    for seq in 1..20 {
        exchange(&mut ledgers, 0, 1, seq);
        exchange(&mut ledgers, 1, 2, seq);
        exchange(&mut ledgers, 2, 0, seq);
    }
    ledgers[0].forget(id(2));
    ledgers[1].forget(id(2));
    assert_eq!(ledgers[0].mass(C) + ledgers[1].mass(C), units(7 + 1007));
    assert_balanced(&ledgers[..2]);
    ledgers[2].forget_all();
    assert_eq!(ledgers[2].mass(C), units(2007));
}

#[test]
fn a_declined_push_moves_nothing_and_completes_the_exchange() {
    let mut ledgers = vec![Ledger::default(); 2];
    ledgers[0].set_inputs(&[(C, units(8))]);
    ledgers[0].pushed(id(1), 1, 2);
    let snapshot = ledgers[0].masses();
    assert_eq!(ledgers[1].answer(id(0), 1, &snapshot, None, 2), Answer::Fresh);
    let reply = ledgers[1].taken(id(0));
    assert!(ledgers[0].settle(id(1), 1, &reply));
    assert_eq!((ledgers[0].mass(C), ledgers[1].mass(C)), (units(8), units(0)));
    assert_eq!(ledgers[0].in_flight().count(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Input(usize, i128),
    Push(usize, usize),
    Deliver(usize),
    Repeat(usize),
    Lose(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0usize..4, any::<i128>()).prop_map(|(n, x)| Step::Input(n, x)),
        (0usize..4, 1usize..4).prop_map(|(a, d)| Step::Push(a, (a + d) % 4)),
        any::<usize>().prop_map(Step::Deliver),
        any::<usize>().prop_map(Step::Deliver),
        any::<usize>().prop_map(Step::Repeat),
        any::<usize>().prop_map(Step::Lose),
    ]
}

#[derive(Clone)]
struct Packet {
    reply: bool,
    from: usize,
    to: usize,
    seq: u64,
    masses: Masses,
}

proptest! {
    /// Whatever is lost, repeated or overtaken: once everything in flight is settled, the masses
    /// add up to the inputs, bit for bit, though they wrap around.
    #[test]
    fn mass_is_conserved_under_any_schedule(steps in proptest::collection::vec(step(), 1..200)) {
        let mut ledgers = vec![Ledger::default(); 4];
        let mut seqs = [[0u64; 4]; 4];
        let mut wire: Vec<Packet> = Vec::new();
        let deliver = |ledgers: &mut Vec<Ledger>, wire: &mut Vec<Packet>, p: Packet| {
            if p.reply {
                ledgers[p.to].settle(id(p.from as u64), p.seq, &p.masses);
            } else if answer(&mut ledgers[p.to], p.from as u64, p.seq, &p.masses) != Answer::Stale {
                let masses = ledgers[p.to].taken(id(p.from as u64));
                wire.push(Packet { reply: true, from: p.to, to: p.from, seq: p.seq, masses });
            }
        };
        for step in steps {
            match step {
                Step::Input(n, x) => ledgers[n].set_inputs(&[(C, units(x))]),
                Step::Push(a, b) => {
                    // A new push only when the earlier one is settled; else the same again.
                    if !ledgers[a].awaits(id(b as u64), seqs[a][b]) {
                        seqs[a][b] += 1;
                        ledgers[a].pushed(id(b as u64), seqs[a][b], 2);
                    }
                    let masses = ledgers[a].masses();
                    wire.push(Packet { reply: false, from: a, to: b, seq: seqs[a][b], masses });
                }
                Step::Deliver(n) if !wire.is_empty() => {
                    let packet = wire.remove(n % wire.len());
                    deliver(&mut ledgers, &mut wire, packet);
                }
                Step::Repeat(n) if !wire.is_empty() => {
                    let packet = wire[n % wire.len()].clone();
                    deliver(&mut ledgers, &mut wire, packet);
                }
                Step::Lose(n) if !wire.is_empty() => {
                    wire.remove(n % wire.len());
                }
                _ => {}
            }
            assert_balanced(&ledgers);
        }
        for a in 0..4 {
            for (b, seq) in seqs[a].into_iter().enumerate() {
                if ledgers[a].awaits(id(b as u64), seq) {
                    let masses = ledgers[a].masses();
                    let push = Packet { reply: false, from: a, to: b, seq, masses };
                    deliver(&mut ledgers, &mut wire, push);
                    let reply = wire.pop().unwrap();
                    deliver(&mut ledgers, &mut wire, reply);
                }
            }
        }
        assert_balanced(&ledgers);
        let total = |f: fn(&Ledger) -> Mass| ledgers.iter().map(f).fold(mass::ZERO, |sum, m| sum + m);
        prop_assert_eq!(total(|l| l.mass(C)), total(|l| l.input(C)));
    }
}
