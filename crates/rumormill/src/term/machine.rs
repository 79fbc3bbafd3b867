//! The threads and the memory that a simulation may use.

use clap::Args;

use crate::term::exit::Usage;
use crate::term::{format, parse};

/// How much of the machine to use.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Machine {
    /// Threads to use [default: all of the machine]; results do not depend on it.
    #[arg(long, value_parser = threads)]
    threads: Option<usize>,
    /// Most memory to use, such as 8GiB [default: all that is free]; a larger job is refused.
    #[arg(long, value_name = "BYTES", value_parser = parse::size)]
    memory: Option<u64>,
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=1024).contains(&n) => Ok(n),
        _ => Err("must be a whole number from 1 to 1024".into()),
    }
}

impl Machine {
    /// Returns a machine of this many threads and bytes.
    #[cfg(test)]
    pub(crate) fn of(threads: usize, memory: u64) -> Self {
        Self { threads: Some(threads), memory: Some(memory) }
    }

    /// Returns the number of threads to use.
    pub(crate) fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or_else(all)
    }

    /// Returns the most bytes to use.
    pub(crate) fn limit(&self) -> u64 {
        self.memory.unwrap_or_else(free)
    }

    /// Refuses work that needs more memory.
    pub(crate) fn check(&self, what: &str, need: u64) -> Result<(), Usage> {
        let limit = self.limit();
        if need <= limit {
            return Ok(());
        }
        let (need, limit) = (format::memory(need), format::memory(limit));
        Err(Usage(match self.memory {
            Some(_) => format!("{what} needs {need} of memory, but --memory allows {limit}"),
            None => format!(
                "{what} needs {need} of memory, but {limit} are free; free some, ask for less, or \
                 set --memory yourself"
            ),
        }))
    }
}

/// Returns the free memory of the machine, or of the container that this runs in.
fn free() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let machine = system.available_memory();
    let container = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    // A system that does not report its memory has no limit.
    match machine.min(container) {
        0 => u64::MAX,
        free => free,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_need_and_limit() {
        let machine = Machine { memory: Some(1 << 30), ..Machine::default() };
        assert!(machine.check("this", 1 << 30).is_ok());
        let error = machine.check("this", 3 << 30).expect_err("too much").to_string();
        assert_eq!(error, "this needs 3.0 GiB of memory, but --memory allows 1.0 GiB");
    }
}
