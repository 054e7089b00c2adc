//! The machine, as far as the database depends on it.

use std::fmt::Debug;
use std::path::Path;

/// What is asked of the machine.
pub trait Machine: Debug + Send + Sync {
    /// The table of mounted file systems, in the form of `/proc/mounts`; `None` where there is none.
    fn mounts(&self) -> Option<String>;
    /// The bytes that are free for us on the file system of `folder`; `None` where it can't be told.
    fn free_bytes(&self, folder: &Path) -> Option<u64>;
    /// Whether the user of this process may write to `path`. Asked, not tried.
    fn may_write(&self, path: &Path) -> bool;
}

/// The machine this process runs on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn mounts(&self) -> Option<String> {
        std::fs::read_to_string("/proc/mounts").ok()
    }

    fn free_bytes(&self, folder: &Path) -> Option<u64> {
        let told = rustix::fs::statvfs(folder).ok()?;
        told.f_bavail.checked_mul(told.f_frsize)
    }

    fn may_write(&self, path: &Path) -> bool {
        rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
    }
}

/// Kinds of file systems that live on another machine. SQLite's locks are not safe on them.
const NETWORK: [&str; 13] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "glusterfs",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.s3fs",
    "lustre",
];

/// The kind of network file system that `folder` (absolute) lies on, if it is one.
pub(super) fn network(mounts: &str, folder: &Path) -> Option<String> {
    let mut nearest: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (Some(place), Some(kind)) = (words.next(), words.next()) else {
            continue;
        };
        // A blank in a path is written as its octal number.
        let place = place.replace("\\040", " ");
        let depth = Path::new(&place).components().count();
        // Later lines lie over earlier ones.
        if folder.starts_with(&place) && nearest.is_none_or(|(deepest, _)| depth >= deepest) {
            nearest = Some((depth, kind));
        }
    }
    let (_, kind) = nearest?;
    NETWORK.contains(&kind).then(|| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
overlay / overlay rw 0 0
server:/data /srv nfs4 rw 0 0
/dev/sda1 /srv/local ext4 rw 0 0
//nas/share /mnt/the\\040share cifs rw 0 0
";

    #[test]
    fn the_nearest_mount_decides() {
        let at = |path: &str| network(MOUNTS, Path::new(path));
        assert_eq!(at("/srv/relay").as_deref(), Some("nfs4"));
        assert_eq!(at("/srv/local/relay"), None);
        assert_eq!(at("/srvice/relay"), None);
        assert_eq!(at("/mnt/the share/relay").as_deref(), Some("cifs"));
        assert_eq!(at("/home"), None);
        assert_eq!(network("", Path::new("/home")), None);
    }

    #[test]
    fn this_machine_tells_how_much_room_a_folder_has() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(ThisMachine.free_bytes(folder.path()).is_some());
        assert!(ThisMachine.may_write(folder.path()));
        assert!(!ThisMachine.may_write(Path::new("/no/such/folder")));
        assert!(
            ThisMachine
                .free_bytes(Path::new("/no/such/folder"))
                .is_none()
        );
    }
}
