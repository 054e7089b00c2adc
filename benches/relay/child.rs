//! Processes that are measured, and what the system tells about them.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Trouble;
use crate::server::Role;

/// A process that ends with this value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Process {
    /// This program in another role.
    pub(crate) fn serve(role: Role, db: Option<&Path>) -> Result<Self, Trouble> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--role").arg(role.name());
        if let Some(db) = db {
            command.arg("--db").arg(db);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let address = first_line(&mut child).and_then(|line| Ok(line.parse()?));
        match address {
            Ok(address) => Ok(Self { child, address }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(format!("a server did not start: {error}").into())
            }
        }
    }

    /// The relay itself, listening on `address` before long.
    pub(crate) fn relay(config: &Path, address: SocketAddr) -> Result<Self, Trouble> {
        let child = Command::new(env!("CARGO_BIN_EXE_clear-relay"))
            .args(["--config", &config.to_string_lossy(), "serve"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { child, address })
    }

    /// What the system has counted for it so far.
    pub(crate) fn usage(&self) -> Result<Usage, Trouble> {
        Usage::of(self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_line(child: &mut Child) -> Result<String, Trouble> {
    let out = child.stdout.take().ok_or("no output")?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// What Linux counts for a process. Elsewhere nothing of it is known, and it is said so.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Processor time, user and system, in seconds.
    pub(crate) cpu: f64,
    /// Memory that is resident now, in MiB.
    pub(crate) resident: f64,
    /// Calls that write, to files and sockets.
    pub(crate) writes: f64,
    /// How often one of its threads has waited for something.
    pub(crate) switches: f64,
}

/// Ticks of a second in `/proc/PID/stat`: the same on every Linux.
const TICKS: f64 = 100.0;

impl Usage {
    fn of(pid: u32) -> Result<Self, Trouble> {
        let read = |name: &str| {
            let path = format!("/proc/{pid}/{name}");
            std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))
        };
        let stat = read("stat")?;
        // The name of the program may hold blanks; what follows its bracket does not.
        let numbers = stat.rsplit(')').next().unwrap_or_default();
        let ticks: f64 = numbers
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<f64>().ok())
            .sum();
        Ok(Self {
            cpu: ticks / TICKS,
            resident: member(&read("status")?, "VmRSS:") / 1024.0,
            writes: member(&read("io")?, "syscw:"),
            switches: switches(pid)?,
        })
    }
}

/// Of every thread that lives.
fn switches(pid: u32) -> Result<f64, Trouble> {
    let mut all = 0.0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // One that has ended meanwhile waits no more.
        let status = std::fs::read_to_string(thread?.path().join("status"));
        all += status.map_or(0.0, |status| member(&status, "voluntary_ctxt_switches:"));
    }
    Ok(all)
}

fn member(text: &str, name: &str) -> f64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}
