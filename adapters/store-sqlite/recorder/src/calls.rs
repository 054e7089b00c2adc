//! The calls of the C library by which names change and files and folders are synced, seen on their way.
//!
//! Rust's library, the relay and SQLite call them by name, and a definition in the program itself comes
//! before the C library's. Each does what the library's does, by the system call behind it, and writes
//! down what belongs to a recording. A sync of what is recorded is written down instead of done.

use std::cell::Cell;
use std::ffi::{CStr, OsStr, c_char, c_int, c_long};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libc::AT_FDCWD;

use crate::Event;
use crate::tape::Tape;

thread_local! {
    /// Whether this thread is in SQLite's sync of a file, which is written down as such.
    static IN_SQLITE: Cell<bool> = const { Cell::new(false) };
}

/// Does SQLite's sync of a file. Folders that it syncs besides are seen here.
pub(crate) fn within_sqlite<T>(sync: impl FnOnce() -> T) -> T {
    IN_SQLITE.set(true);
    let done = sync();
    IN_SQLITE.set(false);
    done
}

/// `fsync(2)`.
///
/// # Safety
///
/// None is needed; C does not know that.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    if synced(fd) {
        return 0;
    }
    // SAFETY: the system call behind the function, with its arguments; any number is allowed.
    answer(unsafe { libc::syscall(libc::SYS_fsync, fd) })
}

/// `fdatasync(2)`.
///
/// # Safety
///
/// None is needed; C does not know that.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    if synced(fd) {
        return 0;
    }
    // SAFETY: the system call behind the function, with its arguments; any number is allowed.
    answer(unsafe { libc::syscall(libc::SYS_fdatasync, fd) })
}

/// Whether a sync is of something that is recorded, and was written down.
fn synced(fd: c_int) -> bool {
    let Some((tape, name, path)) = behind(fd) else {
        return false;
    };
    let mut state = tape.state();
    if path.is_dir() {
        let (folder, since) = (name, state.events());
        state.push(Event::FolderSynced { folder, since });
    } else if !IN_SQLITE.get()
        && let Some(file) = state.looked_at(&name, &path)
    {
        let since = state.events();
        state.push(Event::Synced { file, since });
    }
    true
}

/// What is recorded of the file behind a number.
fn behind(fd: c_int) -> Option<(Arc<Tape>, PathBuf, PathBuf)> {
    let path = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
    let (tape, name) = Tape::of(&path)?;
    Some((tape, name, path))
}

/// `rename(2)`.
///
/// # Safety
///
/// Both are texts that end with a zero.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let (old, new) = unsafe { (path(from), path(to)) };
    // SAFETY: as above; the system call behind the function, with its arguments.
    let call = || unsafe { libc::syscall(libc::SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0) };
    let Some((tape, to_name)) = Tape::of(new) else {
        return answer(call());
    };
    let mut state = tape.state();
    // Only within one recording: what comes from elsewhere is a file that nobody saw being made.
    let here = Tape::of(old).filter(|(other, _)| Arc::ptr_eq(other, &tape));
    let known = here.and_then(|(_, from_name)| {
        let file = state.looked_at(&from_name, old)?;
        Some((file, from_name))
    });
    let done = answer(call());
    if done == 0 {
        match known {
            Some((file, from_name)) => state.renamed(file, &from_name, &to_name),
            None => {
                state.looked_at(&to_name, new);
            }
        }
    }
    done
}

/// `linkat(2)`.
///
/// # Safety
///
/// Both paths are texts that end with a zero.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn linkat(
    old_fd: c_int,
    from: *const c_char,
    new_fd: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    let (old, new) = unsafe { (path(from), path(to)) };
    // SAFETY: as above; the system call behind the function, with its arguments.
    let call = || unsafe { libc::syscall(libc::SYS_linkat, old_fd, from, new_fd, to, flags) };
    let recorded = (old_fd == AT_FDCWD && new_fd == AT_FDCWD).then(|| Tape::of(new));
    let Some((tape, to_name)) = recorded.flatten() else {
        return answer(call());
    };
    let mut state = tape.state();
    let known = Tape::of(old).and_then(|(_, from_name)| state.looked_at(&from_name, old));
    let done = answer(call());
    if let Some(file) = known.filter(|_| done == 0) {
        state.linked(file, &to_name);
    }
    done
}

/// `unlink(2)`.
///
/// # Safety
///
/// The path is a text that ends with a zero.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn unlink(name: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let gone = unsafe { path(name) };
    // SAFETY: as above; the system call behind the function, with its arguments.
    let call = || unsafe { libc::syscall(libc::SYS_unlinkat, AT_FDCWD, name, 0) };
    let Some((tape, name)) = Tape::of(gone) else {
        return answer(call());
    };
    let mut state = tape.state();
    let done = answer(call());
    if done == 0 {
        state.unnamed(&name);
    }
    done
}

/// What a system call has answered, as the C library gives it on: the error is where it looks for it.
fn answer(result: c_long) -> c_int {
    c_int::try_from(result).unwrap_or(-1)
}

/// # Safety
///
/// A text that ends with a zero, and stays as it is meanwhile.
unsafe fn path<'a>(text: *const c_char) -> &'a Path {
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    Path::new(OsStr::from_bytes(text.to_bytes()))
}
