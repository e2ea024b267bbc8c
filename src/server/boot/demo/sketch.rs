//! The four businesses and everybody in them, as the repository knows them: fictional, and nothing here opens anything.

use crate::model::{permission::Role, profile::Profile};

/// Everybody's seat, and the name of its mailbox: every role, some more who answer calls, and one more admin.
pub const SEATS: [(Role, &str); 12] = [
    (Role::Owner, "owner"),
    (Role::Admin, "admin"),
    (Role::Admin, WITH_APP),
    (Role::Manager, "manager"),
    (Role::Dispatcher, "dispatcher"),
    (Role::Dispatcher, PROMOTED),
    (Role::Agent, "agent"),
    (Role::Agent, "agent2"),
    (Role::Agent, "agent3"),
    (Role::Technician, "technician"),
    (Role::Viewer, "viewer"),
    (Role::Auditor, "auditor"),
];

/// Joined as an agent and was given another role later, so that the audit log has such a change.
pub const PROMOTED: &str = "dispatcher2";

/// Has an authenticator app, so that the demo shows a sign-in with a second step. Nobody else of its business has one: its
/// secret stands in `demo.json`, and a password is enough for all others.
pub const WITH_APP: &str = "admin2";

/// A business as the repository knows it: nothing here opens anything.
pub struct Sketch {
    pub name: &'static str,
    pub domain: &'static str,
    pub profile: Profile,
    pub zone: &'static str,
    /// Where its customers' telephones are.
    pub areas: [u16; 4],
    /// Of a hundred calls, how many go out.
    pub outbound: u32,
    /// How far its past goes back, and how busy a weekday is.
    pub days: u32,
    pub weekday_calls: u32,
    /// In the order of [`SEATS`].
    pub people: [&'static str; SEATS.len()],
    /// Technicians besides the one who has a seat, where there is much to drive to.
    pub crew: &'static [&'static str],
}

/// All of them, in the order of the file.
pub const SKETCHES: [Sketch; 4] = [
    Sketch {
        name: "Brightwater Plumbing",
        domain: "brightwater.example",
        profile: Profile::FieldService,
        zone: "America/Chicago",
        areas: [312, 773, 630, 847],
        outbound: 20,
        days: 36,
        weekday_calls: 54,
        people: [
            "Maren Oakley",
            "Tobias Finch",
            "Lena Brook",
            "Ines Calloway",
            "Dario Pruitt",
            "Selma Yates",
            "Ana Whitlock",
            "Jonas Reyes",
            "Priya Lund",
            "Walt Emerson",
            "Noor Haddad",
            "Greta Sung",
        ],
        crew: &["Nora Whitfield", "Desmond Achebe", "Luisa Marchetti"],
    },
    Sketch {
        name: "Larkspur Voice",
        domain: "larkspur.example",
        profile: Profile::VoiceAgents,
        zone: "America/New_York",
        areas: [212, 646, 718, 917],
        outbound: 30,
        days: 36,
        weekday_calls: 56,
        people: [
            "Callum Ashby",
            "Rosa Ibarra",
            "Kofi Adler",
            "Henrik Vale",
            "Mina Okafor",
            "Theo Marsh",
            "Leah Brandt",
            "Omar Castell",
            "Yuki Tanner",
            "Piet Nolan",
            "Carla Winslow",
            "Edwin Shaw",
        ],
        crew: &[],
    },
    Sketch {
        name: "Hollis & Dane Insurance",
        domain: "hollisdane.example",
        profile: Profile::InsuranceAgency,
        zone: "America/Denver",
        areas: [303, 720, 970, 719],
        outbound: 20,
        // The first nightly run has something to delete: nothing here lives longer than 30 days.
        days: 33,
        weekday_calls: 60,
        people: [
            "Judith Hollis",
            "Marcus Dane",
            "Irene Soto",
            "Alba Serrano",
            "Quinn Harlow",
            "Vera Lindqvist",
            "Sam Bellamy",
            "Nadia Frost",
            "Eli Montoya",
            "Ruth Ackerman",
            "Ivo Petrov",
            "Claire Donahue",
        ],
        crew: &[],
    },
    Sketch {
        name: "Northbeam Outreach",
        domain: "northbeam.example",
        profile: Profile::Outbound,
        zone: "America/Los_Angeles",
        areas: [213, 310, 415, 619],
        outbound: 75,
        days: 36,
        weekday_calls: 58,
        people: [
            "Felix Armand",
            "Simone Katz",
            "Pavel Horn",
            "Dev Raman",
            "Hazel Quist",
            "Milo Andrade",
            "Tess Okoye",
            "Bruno Keller",
            "Amina Diallo",
            "Rafe Stanton",
            "Lotte Sommer",
            "Grant Ellery",
        ],
        crew: &[],
    },
];
