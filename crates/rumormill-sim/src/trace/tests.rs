use super::*;

/// Returns a short run and its trace.
fn trace() -> (Vec<Slice>, Ending, Vec<u8>) {
    let scenario = Scenario { nodes: 4, duration: "3s".parse().unwrap(), ..Scenario::default() };
    let mut run = ScenarioRun::detailed(&scenario).unwrap();
    let header = Header::of(&run, &scenario, "text".into());
    let mut trace = TraceWriter::new(Vec::new(), &header).unwrap();
    let mut slices = Vec::new();
    while let Some(slice) = run.advance() {
        trace.write(&slice).unwrap();
        slices.push(slice);
    }
    let ending = Ending::of(&run.outcome(), true);
    let written = trace.written();
    let bytes = trace.finish(&ending).unwrap();
    assert!(written < bytes.len() as u64);
    (slices, ending, bytes)
}

/// Reads all of it.
fn read(bytes: &[u8]) -> Result<(Vec<Slice>, Ending), TraceError> {
    let mut reader = TraceReader::new(bytes)?;
    let mut slices = Vec::new();
    loop {
        match reader.read()? {
            Chunk::Slice(slice) => slices.push(*slice),
            Chunk::Ending(ending) => return Ok((slices, *ending)),
        }
    }
}

#[test]
fn what_is_written_is_read_again() {
    let (slices, ending, bytes) = trace();
    assert!(slices.iter().any(|slice| !slice.traffic.is_empty() && !slice.notices.is_empty()));
    let (again, end) = read(&bytes).unwrap();
    assert_eq!(again, slices);
    assert_eq!(end, ending);
    let mut reader = TraceReader::new(std::io::Cursor::new(&bytes)).unwrap();
    assert_eq!(reader.header().aggregates, ["requests"]);
    reader.read().unwrap();
    let second = reader.position();
    while let Chunk::Slice(_) = reader.read().unwrap() {}
    reader.seek(second).unwrap();
    assert_eq!(reader.read().unwrap(), Chunk::Slice(Box::new(slices[1].clone())));
}

#[test]
fn a_torn_trace_is_refused_wherever_it_is_torn() {
    let (_, _, bytes) = trace();
    for length in (0..bytes.len()).step_by(97).chain(bytes.len() - 20..bytes.len()) {
        match read(&bytes[..length]) {
            Err(TraceError::Foreign) if length < 8 => {}
            Err(TraceError::Torn(at)) => assert_eq!(at, length as u64),
            other => panic!("{length} of {} bytes: {other:?}", bytes.len()),
        }
    }
}

#[test]
fn a_damaged_trace_is_refused_wherever_a_bit_is_wrong() {
    let (_, _, bytes) = trace();
    for at in (0..bytes.len()).step_by(61) {
        let mut bad = bytes.clone();
        bad[at] ^= 0x10;
        let error = read(&bad).unwrap_err();
        let expected = match at {
            0..8 => matches!(error, TraceError::Foreign),
            8..10 => matches!(error, TraceError::Version(_)),
            // A length that is wrong may lead beyond the end.
            _ => matches!(error, TraceError::Damaged { .. } | TraceError::Torn(_)),
        };
        assert!(expected, "bit of byte {at}: {error}");
    }
    let long = [bytes.as_slice(), b"x"].concat();
    assert!(matches!(read(&long), Err(TraceError::Damaged { .. })));
    assert!(matches!(read(b"GIF89a and more"), Err(TraceError::Foreign)));
    let mut newer = bytes;
    newer[8] = 9;
    let error = read(&newer).unwrap_err().to_string();
    assert_eq!(
        error,
        "the trace has version 9, but this program reads version 3; record the run again"
    );
}
