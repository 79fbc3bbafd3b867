use bnum::n;
use proptest::prelude::*;

use super::*;
use crate::aggregate::bounds::Bounds;
use crate::aggregate::contribution::Contribution;
use crate::aggregate::mass::{self, Mass};
use crate::aggregate::messages::{Message, Section, WindowPart, write_sections};
use crate::membership::directory::Directory;
use crate::membership::messages::{StateMessage, read_foca_header, trim_swim};
use crate::membership::peer::Peer;

fn mass_round_trip(mass: Mass) -> Mass {
    let mut out = Vec::new();
    mass::write(mass, &mut out);
    mass::read(&mut Reader(&out)).unwrap()
}

#[test]
fn masses_survive_the_wire_at_the_ends_of_their_range() {
    let power = |n: u32| n!(1).wrapping_shl(n);
    let powers = (0..320).map(power);
    for mass in powers.flat_map(|mass: Mass| [mass, -mass, mass - n!(1), -mass - n!(1)]) {
        assert_eq!(mass_round_trip(mass), mass);
    }
    assert_eq!(mass_round_trip(n!(0)), n!(0));
}

#[test]
fn a_mass_takes_as_many_bytes_as_say_something() {
    let length = |mass: Mass| {
        let mut out = Vec::new();
        mass::write(mass, &mut out);
        out.len()
    };
    assert_eq!(length(n!(0)), 1);
    assert_eq!(length(n!(1)), 2);
    assert_eq!(length(n!(1).wrapping_shl(192)), 2, "1 itself");
    assert_eq!(length(n!(-1).wrapping_shl(128)), 2);
    assert_eq!(length(Mass::MAX), 41);
    for head in [41 * 5 + 1, 41 * 4 + 9, 255] {
        assert_eq!(
            mass::read(&mut Reader(&[[head].as_slice(), &[7; 60]].concat())),
            Err(WireError::Malformed)
        );
    }
}

#[test]
fn an_overlong_varint_is_malformed() {
    let mut reader = Reader(&[0xff; 40]);
    assert_eq!(reader.varint(), Err(WireError::Malformed));
    let mut bytes = [0x80u8; 19];
    bytes[18] = 4;
    assert_eq!(Reader(&bytes).varint(), Err(WireError::Malformed));
}

#[test]
fn the_envelope_tells_apart_garbage_version_and_cluster() {
    let envelope = Envelope { cluster: 7, channel: 9, from: NodeId(1), to: NodeId(2) };
    let mut bytes = Vec::new();
    envelope.write(&mut bytes);
    assert_eq!(bytes.len(), Envelope::SIZE);
    bytes.push(42);
    assert_eq!(Envelope::read(7, &bytes), Ok((envelope, &[42u8][..])));
    assert_eq!(Envelope::read(8, &bytes), Err(WireError::Cluster));
    bytes[2] = 99;
    assert_eq!(Envelope::read(7, &bytes), Err(WireError::Version(99)));
    bytes[0] = b'X';
    assert_eq!(Envelope::read(7, &bytes), Err(WireError::Garbage));
    assert_eq!(Envelope::read(7, b"R"), Err(WireError::Garbage));
}

fn section(n: usize) -> Section {
    let bounds = Bounds { lower: -1.5, upper: 2.5 };
    Section {
        aggregate: Some(Name::new(&format!("metric-{n}")).unwrap()),
        masses: vec![(0, n!(1).wrapping_shl(192)), (1, n!(-5).wrapping_shl(128))],
        divisor: n.is_multiple_of(2).then_some(17),
        window: Some(WindowPart {
            phase: 3,
            reached: vec![0xff, 0x01],
            contribution: Some(Contribution {
                centre: 0.5,
                participation: Bounds { lower: 1.0, upper: 1.0 },
                deviation: bounds,
                squared: bounds,
                input: Some(bounds),
                void: false,
                changed: true,
                moving: true,
            }),
        }),
    }
}

#[test]
fn sections_are_packed_under_the_limit_and_none_is_lost() {
    let sections: Vec<_> = (0..40).map(section).collect();
    let datagrams = write_sections(false, 5, 77, &sections, 600);
    assert!(datagrams.len() > 3);
    let mut back = Vec::new();
    for datagram in &datagrams {
        assert!(datagram.len() <= 600, "{} bytes", datagram.len());
        match Message::read(datagram).unwrap() {
            Message::Push { seq: 5, view: 77, sections } => back.extend(sections),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(back, sections);
}

#[test]
fn anchors_and_control_messages_survive_the_wire() {
    let anchors =
        Section { aggregate: None, masses: vec![(u64::MAX, n!(3))], divisor: None, window: None };
    for message in [
        Message::Open,
        Message::Accept,
        Message::Refuse,
        Message::Stale { seq: u64::MAX },
        Message::Reply { seq: u64::MAX, view: 1, sections: vec![anchors, section(1)] },
    ] {
        let mut bytes = Vec::new();
        message.write(&mut bytes);
        assert_eq!(Message::read(&bytes), Ok(message));
    }
}

#[test]
fn an_interval_upside_down_of_nan_or_without_end_is_malformed() {
    let spoilt = |spoil: fn(&mut Contribution)| {
        let mut bad = section(0);
        let window = bad.window.as_mut().unwrap();
        spoil(window.contribution.as_mut().unwrap());
        Message::read(&write_sections(true, 1, 1, &[bad], 1200)[0])
    };
    assert!(spoilt(|_| ()).is_ok());
    let spoil: [fn(&mut Contribution); 6] = [
        |c| c.deviation = Bounds { lower: 2.0, upper: 1.0 },
        |c| c.squared = Bounds { lower: f64::NAN, upper: 1.0 },
        |c| c.participation = Bounds { lower: f64::NEG_INFINITY, upper: 1.0 },
        |c| c.input = Some(Bounds { lower: f64::INFINITY, upper: f64::INFINITY }),
        |c| c.centre = f64::INFINITY,
        |c| c.centre = f64::NAN,
    ];
    for spoil in spoil {
        assert_eq!(spoilt(spoil), Err(WireError::Malformed));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Envelope::read(1, &bytes);
        let _ = Message::read(&bytes);
        let directory = Directory::default();
        let _ = StateMessage::read(&bytes, &directory);
        let _ = read_foca_header(&mut Reader(&bytes), &directory);
        let me = Peer::from(Identity {
            name: Name::new("me").unwrap(),
            addr: ([127, 0, 0, 1], 1).into(),
            incarnation: 1,
        });
        let _ = trim_swim(&bytes, me.id(), &me, |told| !told.is_join());
    }

    #[test]
    fn a_flipped_byte_never_makes_a_reader_panic(at in 0usize..400, value in any::<u8>()) {
        let mut bytes = write_sections(false, 5, 77, &[section(1), section(2)], 1200).remove(0);
        let at = at % bytes.len();
        bytes[at] = value;
        let _ = Message::read(&bytes);
    }

    #[test]
    fn every_mass_survives_the_wire(low: [u8; 20], high: [u8; 20], zeros in 0u32..320) {
        let mass = Mass::from_le_slice(&[low, high].concat()).unwrap() >> zeros << zeros;
        prop_assert_eq!(mass_round_trip(mass), mass);
    }
}
