//! What every page has around it: where one can go, who is signed in.

use crate::access::{Role, Visitor};

/// A page that the navigation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Here {
    Overview,
    Assets,
    Racks,
    Orders,
    Alerts,
    Approvals,
    Campaigns,
    Audit,
    Docs,
    /// One that it does not lead to.
    Elsewhere,
}

impl Here {
    const ALL: [Self; 9] = [
        Self::Overview,
        Self::Assets,
        Self::Racks,
        Self::Orders,
        Self::Alerts,
        Self::Approvals,
        Self::Campaigns,
        Self::Audit,
        Self::Docs,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Assets => "Assets",
            Self::Racks => "Racks",
            Self::Orders => "Orders",
            Self::Alerts => "Alerts",
            Self::Approvals => "Approvals",
            Self::Campaigns => "Campaigns",
            Self::Audit => "Audit",
            Self::Docs => "API",
            Self::Elsewhere => "",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Overview | Self::Elsewhere => "/",
            Self::Assets => "/assets",
            Self::Racks => "/racks",
            Self::Orders => "/orders",
            Self::Alerts => "/alerts",
            Self::Approvals => "/approvals",
            Self::Campaigns => "/campaigns",
            Self::Audit => "/audit",
            Self::Docs => "/docs",
        }
    }
}

/// One link of the navigation.
pub struct Place {
    pub name: &'static str,
    pub path: &'static str,
    pub here: bool,
}

/// What is around a page.
pub struct Frame {
    here: Here,
    pub visitor: Option<Visitor>,
    /// Whether it is known who looks, and can be said.
    pub knows_visitor: bool,
}

impl Frame {
    pub fn new(here: Here, visitor: Option<Visitor>) -> Self {
        Self { here, visitor, knows_visitor: true }
    }

    /// Of a page that does not ask who looks.
    pub fn of_anybody(here: Here) -> Self {
        Self { here, visitor: None, knows_visitor: false }
    }

    /// The links, in order.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let here = self.here;
        Here::ALL.into_iter().map(move |place| Place { name: place.name(), path: place.path(), here: place == here })
    }

    /// What the forms of a visitor carry who may do what needs a role; `None`: no form is shown.
    pub fn csrf(&self, needs: Role) -> Option<&str> {
        self.visitor.as_ref().filter(|visitor| visitor.caller.role >= needs).map(|visitor| visitor.csrf.as_str())
    }

    pub fn operator(&self) -> Option<&str> {
        self.csrf(Role::Operator)
    }

    pub fn approver(&self) -> Option<&str> {
        self.csrf(Role::Approver)
    }

    /// Whether the visitor is of this name.
    pub fn is(&self, operator: &str) -> bool {
        self.visitor.as_ref().is_some_and(|visitor| visitor.caller.operator == operator)
    }
}
