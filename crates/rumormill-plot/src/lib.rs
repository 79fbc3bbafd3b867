//! Charts as SVG and PNG.
//!
//! A [`Sheet`](sheet::Sheet) has a title and one or more [`Panel`](panel::Panel)s; a panel has two
//! axes and [`Series`](series::Series); [`Sheet::save`](sheet::Sheet::save) draws all of it to a
//! file. Fonts are part of the binary, so that a picture does not depend on the machine's fonts.

mod canvas;
pub mod lane;
pub mod number;
pub mod panel;
pub mod series;
pub mod sheet;
