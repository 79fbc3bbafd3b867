//! The threads and the memory that a simulation may use.

use clap::Args;

use crate::term::exit::Usage;

/// How much of the machine to use.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Machine {
    /// Threads to use [default: all of the machine]; results do not depend on it.
    #[arg(long, value_parser = threads)]
    threads: Option<usize>,
    /// Most memory to use, such as 8GiB [default: all that is free]; a larger job is refused.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    memory: Option<u64>,
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=1024).contains(&n) => Ok(n),
        _ => Err("must be a whole number from 1 to 1024".into()),
    }
}

impl Machine {
    /// So many threads and bytes.
    #[cfg(test)]
    pub(crate) fn of(threads: usize, memory: u64) -> Self {
        Self { threads: Some(threads), memory: Some(memory) }
    }

    /// How many threads may run.
    pub(crate) fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or_else(all)
    }

    /// How many bytes may be used.
    pub(crate) fn limit(&self) -> u64 {
        self.memory.unwrap_or_else(free)
    }

    /// Refuses what does not fit.
    pub(crate) fn check(&self, what: &str, need: u64) -> Result<(), Usage> {
        let limit = self.limit();
        if need <= limit {
            return Ok(());
        }
        let (need, limit) = (written(need), written(limit));
        Err(Usage(match self.memory {
            Some(_) => format!("{what} needs {need} of memory, but --memory allows {limit}"),
            None => format!(
                "{what} needs {need} of memory, but {limit} are free; free some, ask for less, or \
                 set --memory yourself"
            ),
        }))
    }
}

/// The memory that is free, of the machine or of the container this runs in.
fn free() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let machine = system.available_memory();
    let container = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    // A system that does not tell is not refused anything.
    match machine.min(container) {
        0 => u64::MAX,
        free => free,
    }
}

/// Bytes with a unit: `8GiB`, `500MB`, `1e9`.
fn bytes(text: &str) -> Result<u64, String> {
    let plain = text.trim().replace('_', "");
    let unit_at = plain
        .char_indices()
        .find(|&(at, c)| c.is_ascii_alphabetic() && !exponent(&plain, at))
        .map_or(plain.len(), |(at, _)| at);
    let (number, unit) = plain.split_at(unit_at);
    let scale = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" | "k" => 1024.0,
        "mib" | "m" => 1024f64.powi(2),
        "gib" | "g" => 1024f64.powi(3),
        "tib" | "t" => 1024f64.powi(4),
        _ => return Err("must be bytes with a unit such as 512MiB or 8GiB".into()),
    };
    match number.trim().parse::<f64>() {
        Ok(n) if n > 0.0 && n * scale < 1e18 => Ok((n * scale) as u64),
        _ => Err("must be a number above 0 and a unit, such as 512MiB or 8GiB".into()),
    }
}

/// Whether the letter at this place is the `e` of 1e9.
fn exponent(text: &str, at: usize) -> bool {
    let rest = &text.as_bytes()[at..];
    matches!(rest, [b'e' | b'E', next, ..] if next.is_ascii_digit() || *next == b'+')
}

/// Bytes in the unit people would use: `20.0 GiB`.
pub(crate) fn written(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut size = bytes as f64;
    let mut unit = "bytes";
    for larger in units {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{size:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("8GiB"), Ok(8 << 30));
        assert_eq!(bytes("1.5 MB"), Ok(1_500_000));
        assert_eq!(bytes("1e9"), Ok(1_000_000_000));
        assert_eq!(bytes("64k"), Ok(65536));
        assert!(bytes("8 parsec").is_err() && bytes("-1GB").is_err() && bytes("").is_err());
        assert_eq!(written(20 << 30), "20.0 GiB");
        assert_eq!(written(999), "999 bytes");
    }

    #[test]
    fn what_does_not_fit_is_refused_with_need_and_limit() {
        let machine = Machine { memory: Some(1 << 30), ..Machine::default() };
        assert!(machine.check("this", 1 << 30).is_ok());
        let error = machine.check("this", 3 << 30).expect_err("too much").to_string();
        assert_eq!(error, "this needs 3.0 GiB of memory, but --memory allows 1.0 GiB");
    }
}
