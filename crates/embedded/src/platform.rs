//! How this platform installs PostgreSQL.

use std::fs;

/// The command that installs the server and its extensions; `major` when a certain version is needed.
pub(crate) fn install_command(major: Option<u32>) -> String {
    if cfg!(target_os = "macos") {
        return format!("brew install postgresql@{}", major.unwrap_or(17));
    }
    let os_release = fs::read_to_string("/etc/os-release")
        .or_else(|_| fs::read_to_string("/usr/lib/os-release"))
        .unwrap_or_default();
    linux_command(&os_release, major)
}

/// The command for the Linux that an `os-release` file describes: its own name first, then those it takes after.
fn linux_command(os_release: &str, major: Option<u32>) -> String {
    let value = |key: &str| {
        os_release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
            .unwrap_or_default()
    };
    let own = value("ID");
    let like = value("ID_LIKE");
    std::iter::once(own.as_str())
        .chain(like.split_whitespace())
        .find_map(|id| distribution_command(id, major))
        .unwrap_or_else(|| {
            let version = major.map_or_else(|| "15 or newer".to_owned(), |major| major.to_string());
            format!("the PostgreSQL server (version {version}) and its contrib extensions, with your package manager")
        })
}

fn distribution_command(id: &str, major: Option<u32>) -> Option<String> {
    let suffix = |separator: &str| major.map(|major| format!("{separator}{major}")).unwrap_or_default();
    Some(match id {
        "debian" | "ubuntu" => format!("apt-get install postgresql{}", suffix("-")),
        "fedora" | "rhel" | "centos" | "amzn" => match major {
            Some(major) => format!("dnf install postgresql{major}-server postgresql{major}-contrib"),
            None => "dnf install postgresql-server postgresql-contrib".to_owned(),
        },
        "suse" | "opensuse" => {
            let suffix = suffix("");
            format!("zypper install postgresql{suffix}-server postgresql{suffix}-contrib")
        }
        // Arch keeps one version only.
        "arch" => "pacman -S postgresql".to_owned(),
        "alpine" => match major {
            Some(major) => format!("apk add postgresql{major} postgresql{major}-contrib"),
            None => "apk add postgresql postgresql-contrib".to_owned(),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_distribution_has_its_command() {
        for (os_release, expected) in [
            ("NAME=x\nID=debian\n", "apt-get install postgresql"),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "apt-get install postgresql"),
            ("ID=fedora\n", "dnf install postgresql-server postgresql-contrib"),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "dnf install postgresql-server postgresql-contrib"),
            ("ID=manjaro\nID_LIKE=arch\n", "pacman -S postgresql"),
            ("ID=alpine\n", "apk add postgresql postgresql-contrib"),
            (
                "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n",
                "zypper install postgresql-server postgresql-contrib",
            ),
        ] {
            assert_eq!(linux_command(os_release, None), expected, "{os_release}");
        }
        assert_eq!(linux_command("ID=debian", Some(16)), "apt-get install postgresql-16");
        assert!(linux_command("ID=unheard-of", None).contains("15 or newer"));
        assert!(linux_command("", Some(16)).contains("version 16"));
    }
}
