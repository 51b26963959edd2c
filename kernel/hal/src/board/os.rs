//! Which operating system it is: os-release, and the files of Kylin and UOS beside it.

use std::fmt;

use serde::Serialize;

use crate::root::Root;

/// An operating system.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Os {
    /// Which it is, where it is one of those that are known.
    pub family: Option<Family>,
    /// What it calls itself.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The kernel's release, like `4.19.90-52.22.v2207.ky10.aarch64`.
    pub kernel: Option<String>,
}

/// A known operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Kylin Server (银河麒麟高级服务器操作系统).
    KylinServer,
    /// Kylin Desktop (银河麒麟桌面操作系统).
    KylinDesktop,
    /// UOS Server (统信服务器操作系统).
    UosServer,
    /// UOS Desktop (统信桌面操作系统).
    UosDesktop,
    /// openEuler.
    OpenEuler,
    /// NFS-China (中科方德).
    NfsChina,
    /// Loongnix.
    Loongnix,
    /// Raspberry Pi OS.
    RaspberryPiOs,
    /// Debian.
    Debian,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KylinServer => "Kylin Server",
            Self::KylinDesktop => "Kylin Desktop",
            Self::UosServer => "UOS Server",
            Self::UosDesktop => "UOS Desktop",
            Self::OpenEuler => "openEuler",
            Self::NfsChina => "NFS-China",
            Self::Loongnix => "Loongnix",
            Self::RaspberryPiOs => "Raspberry Pi OS",
            Self::Debian => "Debian",
        })
    }
}

impl Os {
    pub(super) fn read(root: &Root) -> Self {
        let release = root
            .read("/etc/os-release")
            .or_else(|| root.read("/usr/lib/os-release"))
            .unwrap_or_default();
        let field = |key: &str| {
            let value = release
                .lines()
                .find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
            let value = value.trim().trim_matches(['"', '\'']).trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let id = field("ID").unwrap_or_default().to_lowercase();
        let version = field("VERSION_ID");
        let name = field("PRETTY_NAME").or_else(|| field("NAME"));
        Self {
            family: family(root, &id, version.as_deref(), name.as_deref()),
            name,
            version,
            kernel: root.value("/proc/sys/kernel/osrelease"),
        }
    }
}

fn family(root: &Root, id: &str, version: Option<&str>, name: Option<&str>) -> Option<Family> {
    let server = |text: &str| text.to_lowercase().contains("server");
    match id {
        "kylin" => {
            // The desktop writes its version small, and has a file of its own.
            let release = root.read("/etc/kylin-release").unwrap_or_default();
            let desktop = version.is_some_and(|version| version.starts_with('v'))
                || (root.exists("/etc/.kyinfo") && !server(&release));
            Some(if desktop {
                Family::KylinDesktop
            } else {
                Family::KylinServer
            })
        }
        "uos" | "uniontech" => {
            let version = root.read("/etc/os-version").unwrap_or_default();
            let is_server = match ini(&version, "ProductType") {
                Some(product) => server(&product),
                None => name.is_some_and(server),
            };
            Some(if is_server {
                Family::UosServer
            } else {
                Family::UosDesktop
            })
        }
        "openeuler" => Some(Family::OpenEuler),
        // What it writes there is not known for sure: its name is looked at, too.
        id if id.starts_with("nfs")
            || name.is_some_and(|name| name.contains("方德") || name.contains("NFSChina")) =>
        {
            Some(Family::NfsChina)
        }
        "loongnix" | "loongnix-server" => Some(Family::Loongnix),
        "raspbian" => Some(Family::RaspberryPiOs),
        "debian" if root.exists("/etc/rpi-issue") => Some(Family::RaspberryPiOs),
        "debian" => Some(Family::Debian),
        _ => None,
    }
}

/// A value of a file with lines `key=value`, whatever their section.
fn ini(text: &str, key: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}
