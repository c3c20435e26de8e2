//! The guard of every URL that comes from outside (G3): webhooks of tenants, pages to be read. Pure: it resolves and
//! fetches nothing. Whoever fetches
//!
//! 1. parses the URL with [`Outside::parse`];
//! 2. resolves its host, and asks [`Outside::admit`] with *all* addresses that came back;
//! 3. connects to one of the addresses that `admit` returned, not to the name: it could be resolved to another one;
//! 4. does the same anew with the target of each redirect.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// The longest URL, in bytes.
pub const MAX_URL: usize = 2_048;

/// Names that belong to a machine or to somebody's own network, whatever they resolve to (RFC 6761, 6762, 8375, 9476).
const OWN_NAMES: &[&str] = &[
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "home.arpa",
    "alt",
    "onion",
];

/// Why a URL is not fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is too long, or not a URL with a host.
    #[error("not a url: {0}")]
    NotAUrl(String),
    /// Only `https` and `http` are fetched.
    #[error("{0} is not fetched, only https and http")]
    Scheme(String),
    /// A name and password in a URL end in logs.
    #[error("a url must not carry a user or a password")]
    Credentials,
    /// A name of a machine or of somebody's own network.
    #[error("{0} is a name within a network")]
    OwnName(String),
    /// An address that is not one of the public internet.
    #[error("{0} is not a public address")]
    NotPublic(IpAddr),
    /// The name has no address.
    #[error("{0} has no address")]
    NoAddress(String),
}

/// A URL from outside whose form is fine. Its addresses are still to be admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    url: Url,
}

impl Outside {
    /// Parses as browsers do, so that every way to write an address (`0x7f.1`, `2130706433`) is understood as one.
    ///
    /// # Errors
    /// [`Refused`]; an address in the URL itself is judged here already.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        if text.len() > MAX_URL {
            return Err(Refused::NotAUrl(format!("longer than {MAX_URL} bytes")));
        }
        let url = Url::parse(text).map_err(|e| Refused::NotAUrl(e.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Refused::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        match url.host() {
            None => return Err(Refused::NotAUrl("it has no host".into())),
            Some(Host::Ipv4(address)) => public(address.into())?,
            Some(Host::Ipv6(address)) => public(address.into())?,
            Some(Host::Domain(name)) => outside_name(name)?,
        }
        Ok(Self { url })
    }

    /// The URL as it is fetched.
    pub fn url(&self) -> &Url {
        &self.url
    }
    /// What is to be resolved: a name, or an address as text.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }

    /// The addresses that may be connected to: all that the host resolved to, if every one is public. One that is not
    /// condemns them all: who answers so tries to get in.
    ///
    /// # Errors
    /// [`Refused::NoAddress`], [`Refused::NotPublic`].
    pub fn admit(&self, resolved: &[IpAddr]) -> Result<Vec<IpAddr>, Refused> {
        if resolved.is_empty() {
            return Err(Refused::NoAddress(self.host().to_owned()));
        }
        resolved.iter().try_for_each(|&address| public(address))?;
        Ok(resolved.to_vec())
    }
}

/// A name of the public internet has a dot, and does not end like one of somebody's own.
fn outside_name(name: &str) -> Result<(), Refused> {
    let bare = name.trim_end_matches('.');
    let is_own = |own: &&str| {
        let rest = bare.strip_suffix(*own);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if bare.contains('.') && !OWN_NAMES.iter().any(is_own) {
        Ok(())
    } else {
        Err(Refused::OwnName(name.to_owned()))
    }
}

fn public(address: IpAddr) -> Result<(), Refused> {
    let is_public = match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    };
    is_public.then_some(()).ok_or(Refused::NotPublic(address))
}

/// Prefixes that are not public, from IANA's registry of special-purpose addresses.
const NOT_PUBLIC_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared by a provider's customers (CGNAT)
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, with the clouds' metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, and broadcast
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |(prefix, bits): &(Ipv4Addr, u32)| {
        (address.to_bits() ^ prefix.to_bits()) >> (32 - bits) == 0
    };
    !NOT_PUBLIC_V4.iter().any(within)
}

/// Within 2000::/3, which is all that is given out as global unicast, what is not public after all: loopback,
/// unique-local, link-local, multicast and the translations of IPv4 are outside of it.
const NOT_PUBLIC_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo among them
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: any IPv4 address
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

fn is_public_v6(address: Ipv6Addr) -> bool {
    let global = address.to_bits() >> 125 == 0b001;
    let within = |(prefix, bits): &(Ipv6Addr, u32)| {
        (address.to_bits() ^ prefix.to_bits()) >> (128 - bits) == 0
    };
    global && !NOT_PUBLIC_V6.iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn public_addresses_are_admitted_and_those_of_a_network_are_not() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(public(address(text)), Ok(()), "{text}");
        }
        for text in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
        ] {
            let text_of = address(text);
            assert_eq!(public(text_of), Err(Refused::NotPublic(text_of)), "{text}");
        }
    }

    #[test]
    fn an_address_is_one_however_it_is_written() {
        for text in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://2130706433/",
            "http://0/",
            "http://127.0.0.1./",
            "http://127.0.0.1:8080/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:a00:1]/",
            "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/", // full-width digits
        ] {
            let refused = Outside::parse(text);
            assert!(
                matches!(refused, Err(Refused::NotPublic(_))),
                "{text}: {refused:?}"
            );
        }
        assert!(Outside::parse("https://1.1.1.1/").is_ok());
    }

    #[test]
    fn names_within_a_network_and_other_schemes_are_refused() {
        for text in [
            "http://localhost/",
            "http://LOCALHOST./",
            "http://app.localhost/",
            "http://printer.local/",
            "http://metadata.google.internal/",
            "http://intranet/",
            "http://database:8080/",
        ] {
            let refused = Outside::parse(text);
            assert!(
                matches!(refused, Err(Refused::OwnName(_))),
                "{text}: {refused:?}"
            );
        }
        for text in [
            "file:///etc/passwd",
            "ftp://example.org/",
            "gopher://example.org/",
            "data:,x",
        ] {
            let refused = Outside::parse(text);
            assert!(
                matches!(refused, Err(Refused::Scheme(_))),
                "{text}: {refused:?}"
            );
        }
        assert_eq!(
            Outside::parse("https://me:secret@example.org/"),
            Err(Refused::Credentials)
        );
        assert_eq!(
            Outside::parse("https://me@example.org/"),
            Err(Refused::Credentials)
        );
        for text in ["", "example.org", "http://", "http://[::1/"] {
            let refused = Outside::parse(text);
            assert!(
                matches!(refused, Err(Refused::NotAUrl(_))),
                "{text}: {refused:?}"
            );
        }
        let long = format!("https://example.org/{}", "a".repeat(MAX_URL));
        assert!(matches!(Outside::parse(&long), Err(Refused::NotAUrl(_))));
        let fine = Outside::parse("https://internal.example.org:8443/a?b=c").unwrap();
        assert_eq!((fine.host(), fine.port()), ("internal.example.org", 8443));
        assert_eq!(Outside::parse("https://example.org").unwrap().port(), 443);
    }

    #[test]
    fn one_address_within_a_network_condemns_the_name() {
        let outside = Outside::parse("https://example.org/").unwrap();
        let [fine, other, own] = ["1.1.1.1", "2606:4700::1", "192.168.0.1"].map(address);
        assert_eq!(outside.admit(&[fine, other]), Ok(vec![fine, other]));
        assert_eq!(outside.admit(&[fine, own]), Err(Refused::NotPublic(own)));
        assert_eq!(
            outside.admit(&[]),
            Err(Refused::NoAddress("example.org".into()))
        );
    }
}
