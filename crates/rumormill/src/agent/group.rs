//! A process group for each run of a handler. It is killed with the query, and with the agent.

use std::io;

use tokio::process::{Child, Command};

/// All processes that a handler starts, except those that leave by `setsid`. Dropping it kills them.
///
/// The group's leader is not the handler but a shell, which waits for the end of a pipe that only
/// this process holds, and then kills its group. So the group also ends with an agent that is killed
/// itself (SIGKILL, SIGQUIT, an abort), and the group's number stays in use until the group is dead.
#[cfg(unix)]
pub(crate) struct Group {
    /// `None` if there is no shell; the handler then leads the group itself.
    keeper: Option<Child>,
    id: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    const KEEP: &str = "read -r end; kill -s KILL 0";

    pub(crate) fn new() -> Self {
        use std::process::Stdio;
        let keeper = Command::new("sh")
            .args(["-c", Self::KEEP])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let keeper = keeper
            .inspect_err(|error| {
                tracing::debug!(%error, "no shell: a handler's processes outlive a killed agent");
            })
            .ok();
        let id = keeper.as_ref().and_then(pid);
        Self { keeper, id }
    }

    /// Starts a command in the group.
    pub(crate) fn spawn(&mut self, command: &mut Command) -> io::Result<Child> {
        let leader = self.id.map_or(0, |id| id.as_raw_nonzero().get());
        let child = command.process_group(leader).kill_on_drop(true).spawn()?;
        if self.keeper.is_none() {
            self.id = pid(&child);
        }
        Ok(child)
    }
}

#[cfg(unix)]
fn pid(child: &Child) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(child.id()?).ok()?)
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // It may have ended already.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

/// On other systems only the handler itself is killed, not the processes that it has started.
#[cfg(not(unix))]
pub(crate) struct Group;

#[cfg(not(unix))]
impl Group {
    pub(crate) fn new() -> Self {
        Self
    }

    /// Starts a command.
    pub(crate) fn spawn(&mut self, command: &mut Command) -> io::Result<Child> {
        command.kill_on_drop(true).spawn()
    }
}
