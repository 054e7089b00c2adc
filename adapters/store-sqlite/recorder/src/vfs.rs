//! A layer over SQLite's own layer over the system, and the default of the process.
//!
//! A file that belongs to no recording is opened by SQLite's layer directly and never comes here again.
//! One that does gets a small head, with SQLite's own file behind it, and every call is given on to that
//! one, unchanged. What was written, cut or synced is recorded when it has succeeded.
//!
//! Nothing but files is this layer's affair: deleting, locks of other files, time and chance are SQLite's
//! functions, copied from its table. None of them looks at the table it is called by.

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::io;
use std::mem::size_of;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;
use std::sync::{Arc, OnceLock};

use libsqlite3_sys::{
    SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_OK, SQLITE_OPEN_DELETEONCLOSE, sqlite3_file,
    sqlite3_filename, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find,
    sqlite3_vfs_register,
};

use crate::calls::within_sqlite;
use crate::tape::Tape;
use crate::{Event, FileId};

/// What a recorded file begins with. SQLite's own file lies behind it.
#[repr(C)]
struct Head {
    file: sqlite3_file,
    tap: *mut Tap,
}

/// Where a file's changes are recorded.
struct Tap {
    tape: Arc<Tape>,
    file: FileId,
}

/// Makes this layer the default one, once for the process.
pub(crate) fn install() -> io::Result<()> {
    static DONE: OnceLock<bool> = OnceLock::new();
    if *DONE.get_or_init(register) {
        Ok(())
    } else {
        Err(io::Error::other("SQLite has no layer to put one over"))
    }
}

fn register() -> bool {
    // SAFETY: no name asks for the default; SQLite starts itself if need be.
    let own = unsafe { sqlite3_vfs_find(ptr::null()) };
    // SAFETY: SQLite's default layer lives as long as the process.
    let Some(table) = (unsafe { own.as_ref() }) else {
        return false;
    };
    let Ok(head) = c_int::try_from(size_of::<Head>()) else {
        return false;
    };
    let layer = Box::new(sqlite3_vfs {
        szOsFile: table.szOsFile + head,
        pNext: ptr::null_mut(),
        zName: c"recorded".as_ptr(),
        pAppData: own.cast(),
        xOpen: Some(open),
        ..*table
    });
    // SAFETY: SQLite keeps the pointer forever, and the box is never freed.
    unsafe { sqlite3_vfs_register(Box::into_raw(layer), 1) == SQLITE_OK }
}

unsafe extern "C" fn open(
    layer: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: `register` has put SQLite's layer there.
    let own = unsafe { (*layer).pAppData.cast::<sqlite3_vfs>() };
    // SAFETY: SQLite's layer lives as long as the process.
    let Some(own_open) = (unsafe { (*own).xOpen }) else {
        return SQLITE_CANTOPEN;
    };
    // SAFETY: what SQLite hands over has a name that ends with a zero, or none.
    let recorded = unsafe { tape_of(name, flags) };
    let Some((tape, relative)) = recorded else {
        // SAFETY: given on as it came; there is more room than SQLite's file needs.
        return unsafe { own_open(own, name, file, flags, out) };
    };
    // Held meanwhile: a name that is deleted now is deleted before or after, for the record, too.
    let mut state = tape.state();
    let inner = behind(file);
    // SAFETY: SQLite's file lies behind the head, in the room that `szOsFile` asked for; both are of
    // pointers and numbers, and the head's size is a multiple of a pointer's.
    let opened = unsafe { own_open(own, name, inner, flags, out) };
    if opened != SQLITE_OK {
        // SAFETY: the room is SQLite's and ours; without methods SQLite leaves the file alone.
        unsafe { (*file).pMethods = ptr::null() };
        return opened;
    }
    // SAFETY: it was opened above.
    let id = state.opened(&relative, || unsafe { content(inner) });
    drop(state);
    let tap = Box::into_raw(Box::new(Tap { tape, file: id }));
    // SAFETY: the room begins with a head's; `close` frees the box.
    unsafe {
        let head = file.cast::<Head>();
        (*head).tap = tap;
        (*head).file.pMethods = &raw const METHODS;
    }
    SQLITE_OK
}

/// # Safety
///
/// A text that ends with a zero, or no text.
unsafe fn tape_of(name: *const c_char, flags: c_int) -> Option<(Arc<Tape>, std::path::PathBuf)> {
    if name.is_null() || flags & SQLITE_OPEN_DELETEONCLOSE != 0 {
        return None;
    }
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    Tape::of(Path::new(OsStr::from_bytes(name.to_bytes())))
}

/// What a file holds that SQLite has just opened; nothing if it can't be read.
///
/// # Safety
///
/// An open file of SQLite's layer.
unsafe fn content(inner: *mut sqlite3_file) -> Vec<u8> {
    // SAFETY: an open file has methods.
    let methods = unsafe { &*(*inner).pMethods };
    let (Some(size_of), Some(read)) = (methods.xFileSize, methods.xRead) else {
        return Vec::new();
    };
    let mut size = 0;
    // SAFETY: an open file, and a place for the answer.
    let sized = unsafe { size_of(inner, &raw mut size) };
    let (Ok(length), Ok(amount)) = (usize::try_from(size), c_int::try_from(size)) else {
        return Vec::new();
    };
    let mut bytes = vec![0_u8; length];
    // SAFETY: there is room for `amount` bytes.
    let done = unsafe { read(inner, bytes.as_mut_ptr().cast(), amount, 0) };
    if sized == SQLITE_OK && done == SQLITE_OK {
        bytes
    } else {
        Vec::new()
    }
}

/// SQLite's own file in the room of a recorded one.
fn behind(file: *mut sqlite3_file) -> *mut sqlite3_file {
    file.cast::<Head>().wrapping_add(1).cast()
}

/// # Safety
///
/// A recorded file that is open.
unsafe fn tap<'a>(file: *mut sqlite3_file) -> &'a Tap {
    // SAFETY: `open` has put it there, and `close` comes last.
    unsafe { &*(*file.cast::<Head>()).tap }
}

/// # Safety
///
/// A recorded file that is open.
unsafe fn methods<'a>(file: *mut sqlite3_file) -> &'a sqlite3_io_methods {
    // SAFETY: SQLite's file behind the head is open, too, and its methods are never freed.
    unsafe { &*(*behind(file)).pMethods }
}

/// A method that is given on, unchanged.
macro_rules! given_on {
    ($name:ident, $method:ident, $($argument:ident: $type:ty),*) => {
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $type),*) -> c_int {
            // SAFETY: SQLite calls the methods of open files only.
            let method = unsafe { methods(file) }.$method;
            // SAFETY: the arguments are SQLite's, for its own file.
            method.map_or(SQLITE_IOERR, |method| unsafe { method(behind(file), $($argument),*) })
        }
    };
}

given_on!(read, xRead, to: *mut c_void, amount: c_int, offset: sqlite3_int64);
given_on!(file_size, xFileSize, size: *mut sqlite3_int64);
given_on!(lock, xLock, level: c_int);
given_on!(unlock, xUnlock, level: c_int);
given_on!(check_reserved_lock, xCheckReservedLock, out: *mut c_int);
given_on!(file_control, xFileControl, op: c_int, argument: *mut c_void);
given_on!(sector_size, xSectorSize,);
given_on!(device_characteristics, xDeviceCharacteristics,);
given_on!(shm_map, xShmMap, page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void);
given_on!(shm_lock, xShmLock, offset: c_int, count: c_int, flags: c_int);
given_on!(shm_unmap, xShmUnmap, delete: c_int);
given_on!(fetch, xFetch, offset: sqlite3_int64, amount: c_int, out: *mut *mut c_void);
given_on!(unfetch, xUnfetch, offset: sqlite3_int64, page: *mut c_void);
given_on!(own_close, xClose,);
given_on!(own_write, xWrite, from: *const c_void, amount: c_int, offset: sqlite3_int64);
given_on!(own_truncate, xTruncate, size: sqlite3_int64);
given_on!(own_sync, xSync, flags: c_int);

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: SQLite calls the methods of open files only.
    if let Some(barrier) = unsafe { methods(file) }.xShmBarrier {
        // SAFETY: its own file.
        unsafe { barrier(behind(file)) }
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file, once.
    let closed = unsafe { own_close(file) };
    // SAFETY: `open` has made the box; nothing asks for it after this.
    let tap = unsafe { Box::from_raw((*file.cast::<Head>()).tap) };
    tap.tape.closed(tap.file);
    closed
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    amount: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite's arguments.
    let done = unsafe { own_write(file, from, amount, offset) };
    if let (SQLITE_OK, Ok(length), Ok(offset)) =
        (done, usize::try_from(amount), u64::try_from(offset))
    {
        // SAFETY: SQLite has given `amount` bytes.
        let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), length) }.to_vec();
        // SAFETY: the file is open.
        let tap = unsafe { tap(file) };
        let file = tap.file;
        tap.tape.push(Event::Written {
            file,
            offset,
            bytes,
        });
    }
    done
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: SQLite's arguments.
    let done = unsafe { own_truncate(file, size) };
    if let (SQLITE_OK, Ok(size)) = (done, u64::try_from(size)) {
        // SAFETY: the file is open.
        let tap = unsafe { tap(file) };
        let file = tap.file;
        tap.tape.push(Event::Resized { file, size });
    }
    done
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let tap = unsafe { tap(file) };
    let since = tap.tape.len();
    // SAFETY: SQLite's arguments.
    let done = within_sqlite(|| unsafe { own_sync(file, flags) });
    if done == SQLITE_OK {
        let file = tap.file;
        tap.tape.push(Event::Synced { file, since });
    }
    done
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};
