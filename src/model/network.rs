//! Networks that people may come from (ACC-9): ranges of addresses, written as address and prefix (RFC 4632).

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use super::field::Bad;

/// How many ranges a business may have.
pub const MOST: u32 = 50;

/// A range of addresses, without bits behind its prefix. An IPv4 address that is written as IPv6 is no range: visitors'
/// addresses are compared in their own family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    first: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// The range of `prefix` bits that an address lies in.
    fn of(address: IpAddr, prefix: u8) -> Self {
        let prefix = prefix.min(widest(address));
        let first = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
        };
        Self { first, prefix }
    }

    /// What somebody at this address would add for themselves: the address alone, or its /64, which is one subscriber.
    #[must_use]
    pub fn around(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self::of(address, if address.is_ipv4() { 32 } else { 64 })
    }

    /// What the audit log keeps of an address: /24 for IPv4, /48 for IPv6.
    #[must_use]
    pub fn coarse(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self::of(address, if address.is_ipv4() { 24 } else { 48 })
    }

    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && Self::of(address, self.prefix) == self
    }

    /// `ipv4` or `ipv6`, as audit entries say it.
    #[must_use]
    pub const fn family(self) -> &'static str {
        match self.first {
            IpAddr::V4(_) => "ipv4",
            IpAddr::V6(_) => "ipv6",
        }
    }

    /// How many bits are given.
    #[must_use]
    pub const fn prefix(self) -> u8 {
        self.prefix
    }
}

const fn widest(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = Bad;

    /// An address alone is a range of one. Bits behind the prefix are refused: who wrote them meant something else.
    fn from_str(text: &str) -> Result<Self, Bad> {
        let text = text.trim();
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| Bad::Network)?;
        if address.to_canonical() != address {
            return Err(Bad::Network);
        }
        let most = widest(address);
        let prefix = match prefix {
            None => most,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse::<u8>().ok().filter(|bits| *bits <= most).ok_or(Bad::Network)?
            }
            Some(_) => return Err(Bad::Network),
        };
        let range = Self::of(address, prefix);
        if range.first == address { Ok(range) } else { Err(Bad::HostBits(range.to_string())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().expect("a range")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn ranges_are_read_and_written() {
        for text in ["203.0.113.0/24", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::/0", "192.0.2.7/32"] {
            assert_eq!(cidr(text).to_string(), text);
        }
        assert_eq!(cidr(" 192.0.2.7 ").to_string(), "192.0.2.7/32");
        assert_eq!(cidr("2001:DB8::1").to_string(), "2001:db8::1/128");
        for bad in ["", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0/8", "::ffff:10.0.0.0/104", "::1/129"] {
            assert_eq!(bad.parse::<Cidr>(), Err(Bad::Network), "{bad}");
        }
        assert_eq!("203.0.113.7/24".parse::<Cidr>(), Err(Bad::HostBits("203.0.113.0/24".into())));
        assert_eq!("2001:db8::1/64".parse::<Cidr>(), Err(Bad::HostBits("2001:db8::/64".into())));
    }

    #[test]
    fn addresses_are_inside_or_not() {
        assert!(cidr("203.0.113.0/24").contains(address("203.0.113.255")));
        assert!(cidr("203.0.113.0/24").contains(address("::ffff:203.0.113.9")), "the same address in other clothes");
        assert!(!cidr("203.0.113.0/24").contains(address("203.0.114.0")));
        assert!(cidr("2001:db8::/32").contains(address("2001:db8:ffff::1")));
        assert!(!cidr("2001:db8::/32").contains(address("2001:db9::1")));
        assert!(cidr("0.0.0.0/0").contains(address("8.8.8.8")));
        assert!(!cidr("0.0.0.0/0").contains(address("2001:db8::1")), "one family says nothing about the other");
        assert_eq!(Cidr::around(address("::ffff:192.0.2.7")).to_string(), "192.0.2.7/32");
        assert_eq!(Cidr::around(address("2001:db8:1:2:3::4")).to_string(), "2001:db8:1:2::/64");
    }
}
