//! What each door is: the table that attacks are made from. Its rows stand in [`pages`] and [`actions`].

mod actions;
mod pages;

use ringfort::{
    model::permission::{Grants, Permission, Reach},
    server::{
        boot::router,
        http::doors::{Door, Kind},
    },
};

/// What an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    Audit,
    Batch,
    Business,
    Call,
    Connection,
    /// An export that is under way.
    Export,
    /// An export that can be downloaded.
    Exported,
    Extension,
    Filter,
    Invitation,
    Member,
    Network,
    /// A member whose shift is open.
    OnShift,
    /// The operator's access, which is open.
    OperatorGrant,
    Passkey,
    Pop,
    Program,
    Queue,
    Reason,
    /// A number of the pool for masked calls.
    ProxyNumber,
    Review,
    /// A member whom the open review asks about.
    Reviewed,
    Role,
    Session,
    Stream,
    /// A stream that is paused.
    StreamHeld,
    /// A customer's tracking link, which is open.
    TrackingLink,
    /// A link to the wallboard, which is open.
    Wallboard,
    /// A job that is assigned.
    WorkOrder,
}

/// Whose a thing is, to who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Mine,
    /// Of somebody else in the same business, or of the business itself.
    Others,
    /// Of another business.
    Foreign,
    /// An id that exists nowhere.
    Nobodys,
}

/// Where there is no id, there is nothing of anybody else's.
const ALONE: &[Whose] = &[Whose::Mine];

impl Thing {
    /// Whose such a thing can be.
    pub const fn owners(self) -> &'static [Whose] {
        match self {
            Self::Business => &[Whose::Mine, Whose::Foreign, Whose::Nobodys],
            Self::Call | Self::Filter | Self::Passkey | Self::Pop | Self::Program | Self::Session | Self::WorkOrder => {
                &[Whose::Mine, Whose::Others, Whose::Foreign, Whose::Nobodys]
            }
            _ => &[Whose::Others, Whose::Foreign, Whose::Nobodys],
        }
    }

    /// Whether who holds `grants`, and has come through the door, reaches it there.
    pub fn is_reached(self, grants: Grants, whose: Whose) -> bool {
        match whose {
            Whose::Mine => true,
            Whose::Foreign | Whose::Nobodys => false,
            Whose::Others => match self {
                Self::Filter | Self::Passkey | Self::Pop | Self::Program | Self::Session => false,
                Self::Call => grants.reach(Permission::CallsAll) == Reach::All,
                Self::WorkOrder => grants.reach(Permission::WorkOrders) == Reach::All,
                Self::OnShift => grants.reach(Permission::Map) == Reach::All,
                _ => true,
            },
        }
    }
}

/// What must be so before a door does something. [`super::ways`] makes it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    Nothing,
    /// They have a password.
    Password,
    /// A program is signed in; the answer is its refresh token.
    Program,
    /// A screen pop waits for them.
    Pop,
    /// No access review is open.
    NoReview,
    /// An authenticator app is being set up; the answer is its code.
    AppBegun,
    App,
    MailedCodes,
    /// A number is being set up; the answer is the code that was texted.
    TextBegun,
    Text,
    /// The password was right, and mailed codes are on; the answer is a recovery code.
    Waiting,
    WaitingForText,
    WaitingForPasskey,
    /// As before, and the answer is the passkey's.
    PasskeyAnswer,
    Passkey,
    PasskeyMade,
    PasskeyConfirm,
    PasskeySignIn,
    Link,
    /// The answer is the code that another browser shows.
    LinkCode,
    ResetLink,
    SignUpLink,
    Invited,
    /// They have come back from the provider of identities, to sign in.
    IdentityBack,
    IdentityInvited,
    IdentityToLink,
    Identity,
    /// They have the audit log open; the answer is what its page asks with.
    AuditOpen,
    /// They view the product as a viewer.
    Viewing,
    /// They have said where masked calls reach them.
    OwnPhone,
    /// Jobs have customers with numbers, and the pool has one for them.
    MaskedCalls,
    /// A wallboard's link was made; the answer is its token.
    Wallboard,
    /// A provider's event is signed.
    Webhook,
}

/// What a door leaves when it did what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// These entries, among others.
    Entries(&'static [&'static str]),
    /// The same, when the jobs have run.
    Later(&'static [&'static str]),
    /// No entry, and no row but in these tables: what comes before there is anything to write down.
    Beside(&'static [&'static str]),
}

/// Nothing at all.
const NOTHING: Leaves = Leaves::Beside(&[]);

/// A door, as attacks need to know it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub method: &'static str,
    pub path: &'static str,
    /// What its ids name, by parameter of the path or field.
    pub ids: &'static [(&'static str, Thing)],
    /// The rest of a good request: parameters of the path, fields of the form, or of the query. A field that is called `*`
    /// is the whole body. Words in braces are put in: `{email}` and `{number}`, which nobody has, `{me}`, `{password}`,
    /// `{another}` and `{answer}`, and `{soon}`, a day of the next month.
    pub fields: &'static [(&'static str, &'static str)],
    pub first: First,
    pub leaves: Leaves,
    /// Whether only who holds everything may, behind a door that opens to others too.
    pub for_owners: bool,
    /// Whether an id that names nothing here is no fault: what is asked for is so already, and nothing happens.
    pub is_so_already: bool,
}

const fn row(method: &'static str, path: &'static str, leaves: Leaves) -> Row {
    let (ids, fields, first) = (&[], &[], First::Nothing);
    Row { method, path, ids, fields, first, leaves, for_owners: false, is_so_already: false }
}

/// What is read and leaves nothing.
const fn page(path: &'static str) -> Row {
    row("GET", path, NOTHING)
}

/// What is read, and leaves an entry.
const fn seen(path: &'static str, words: &'static [&'static str]) -> Row {
    row("GET", path, Leaves::Entries(words))
}

/// What is done, and leaves entries.
const fn done(path: &'static str, words: &'static [&'static str]) -> Row {
    row("POST", path, Leaves::Entries(words))
}

/// What is done, and its entry comes from a job.
const fn later(path: &'static str, words: &'static [&'static str]) -> Row {
    row("POST", path, Leaves::Later(words))
}

/// What only begins something: rows of the lobby, by name.
const fn begun(path: &'static str, tables: &'static [&'static str]) -> Row {
    row("POST", path, Leaves::Beside(tables))
}

impl Row {
    const fn of(mut self, ids: &'static [(&'static str, Thing)]) -> Self {
        self.ids = ids;
        self
    }

    const fn with(mut self, fields: &'static [(&'static str, &'static str)]) -> Self {
        self.fields = fields;
        self
    }

    const fn so_already(mut self) -> Self {
        self.is_so_already = true;
        self
    }

    const fn after(mut self, first: First) -> Self {
        self.first = first;
        self
    }

    const fn for_owners(mut self) -> Self {
        self.for_owners = true;
        self
    }

    /// Whose things it is tried at.
    pub fn owners(&self) -> &'static [Whose] {
        self.ids.first().map_or(ALONE, |(_, thing)| thing.owners())
    }

    /// Whose things it does its work at.
    pub fn home(&self) -> Whose {
        self.owners().first().copied().unwrap_or(Whose::Mine)
    }
}

/// Every row.
pub fn plan() -> impl Iterator<Item = &'static Row> {
    pages::PAGES.iter().chain(actions::ACTIONS)
}

/// Every door of the router with its row.
pub fn doors() -> Vec<(Door, &'static Row)> {
    let all = router::doors().1.into_iter();
    all.map(|door| {
        let found = plan().find(|row| row.method == door.method.as_str() && row.path == door.path);
        let row = found.unwrap_or_else(|| {
            panic!("{} {}: give it a row in tests/it/attack/plan, so that it is attacked too", door.method, door.path)
        });
        (door, row)
    })
    .collect()
}

/// How a door is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// A browser that wants a page, or posts a form.
    Form,
    /// An island, or a stream.
    Json,
    /// A program, by its token.
    Bearer,
}

impl Wire {
    /// The wires that a kind of door answers on.
    pub const fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Page | Kind::Action => &[Self::Form, Self::Json],
            Kind::Rest => &[Self::Bearer],
            _ => &[Self::Json],
        }
    }
}
