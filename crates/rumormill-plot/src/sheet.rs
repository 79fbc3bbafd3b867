//! A page with a title and charts, and how it becomes a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use plotters::prelude::{
    BitMapBackend, DrawingBackend, IntoDrawingArea, RGBColor, SVGBackend, WHITE,
};
use plotters::style::{FontStyle, register_font};

use crate::canvas::{AXIS, Area, Drawn, FONT, INK, px, text};
use crate::lane::{self, Lane};
use crate::panel::Panel;

/// Units of the canvas that become one pixel of a PNG, which is thus twice the stated size.
const SHRINK: u32 = 2;

/// Height of the sheet's title in pixels.
const HEAD: u32 = 66;

/// A page with charts.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// The headline.
    pub title: String,
    /// The line below it.
    pub subtitle: String,
    /// A lane of events above the charts.
    pub lane: Option<Lane>,
    /// Whether the charts stand one below another, not side by side.
    pub stacked: bool,
    /// The charts, each with its share of the room.
    pub panels: Vec<(f64, Panel)>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The file's name asks for no known format.
    #[error("{}: the name must end in .svg or .png", .0.display())]
    Format(PathBuf),
    /// The directory of the file does not exist.
    #[error("{}: there is no directory {}", .0.display(), .1.display())]
    NoDirectory(PathBuf, PathBuf),
    /// The picture cannot be drawn.
    #[error("cannot draw the picture: {0}")]
    Draw(String),
    /// The file cannot be written.
    #[error("cannot draw to {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
}

impl Format {
    fn of(path: &Path) -> Result<Self, PlotError> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "svg" => Ok(Self::Svg),
            "png" => Ok(Self::Png),
            _ => Err(PlotError::Format(path.to_owned())),
        }
    }
}

/// Checks that a picture can be written to the file, before any work is done for it.
///
/// # Errors
/// [`PlotError::Format`] and [`PlotError::NoDirectory`].
pub fn check(path: &Path) -> Result<(), PlotError> {
    Format::of(path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) if !parent.is_dir() => {
            Err(PlotError::NoDirectory(path.to_owned(), parent.to_owned()))
        }
        _ => Ok(()),
    }
}

impl Sheet {
    /// Draws the sheet to a file, in the format that its name asks for.
    ///
    /// # Errors
    /// All of [`PlotError`].
    pub fn save(&self, path: &Path) -> Result<(), PlotError> {
        let format = Format::of(path)?;
        register_font(FONT, FontStyle::Normal, dejavu::sans::regular())
            .and_then(|()| register_font(FONT, FontStyle::Bold, dejavu::sans::bold()))
            .map_err(|_| PlotError::Draw("the built-in font cannot be read".into()))?;
        let bytes = match format {
            Format::Svg => self.svg()?,
            Format::Png => self.png()?,
        };
        let write = || File::create(path)?.write_all(&bytes);
        write().map_err(|error| PlotError::Write { path: path.to_owned(), error })
    }

    fn svg(&self) -> Result<Vec<u8>, PlotError> {
        let mut text = String::new();
        let fine = (px(self.size.0), px(self.size.1));
        self.draw(&SVGBackend::with_string(&mut text, fine).into_drawing_area())
            .map_err(|error| PlotError::Draw(error.to_string()))?;
        // The view box stays fine, and the picture gets the size asked for.
        let head =
            |(width, height): (u32, u32)| format!("<svg width=\"{width}\" height=\"{height}\"");
        Ok(text.replacen(&head(fine), &head(self.size), 1).into_bytes())
    }

    fn png(&self) -> Result<Vec<u8>, PlotError> {
        let (width, height) = (px(self.size.0), px(self.size.1));
        let mut fine = vec![0; width as usize * height as usize * 3];
        self.draw(&BitMapBackend::with_buffer(&mut fine, (width, height)).into_drawing_area())
            .map_err(|error| PlotError::Draw(error.to_string()))?;
        let mut bytes = Vec::new();
        let mut encoder =
            png::Encoder::new(BufWriter::new(&mut bytes), width / SHRINK, height / SHRINK);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let encoded = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&shrunk(&fine, width as usize, height as usize))?;
            writer.finish()
        });
        encoded.map_err(|error| PlotError::Draw(error.to_string()))?;
        Ok(bytes)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn<B> {
        area.fill(&WHITE)?;
        let (head, mut body) = area.split_vertically(px(HEAD));
        headline(&head, &self.title, 21.0, FontStyle::Bold, INK, 18)?;
        headline(&head, &self.subtitle, 14.0, FontStyle::Normal, AXIS, 46)?;
        if let Some(lane) = &self.lane {
            let above;
            (above, body) = body.split_vertically(px(lane::HEIGHT));
            lane.draw(&above)?;
        }
        let (width, height) = body.dim_in_pixel();
        let whole: f64 = self.panels.iter().map(|(share, _)| share).sum();
        let length = f64::from(if self.stacked { height } else { width });
        for (share, panel) in &self.panels {
            let part = (length * share / whole) as i32;
            let room;
            (room, body) = if self.stacked {
                body.split_vertically(part)
            } else {
                body.split_horizontally(part)
            };
            panel.draw(&room)?;
        }
        area.present()
    }
}

/// Writes a line of the sheet's head. A line that is too long becomes smaller, down to what can
/// still be read, and is then cut off.
fn headline<B: DrawingBackend>(
    head: &Area<B>,
    line: &str,
    size: f64,
    weight: FontStyle,
    colour: RGBColor,
    y: i32,
) -> Drawn<B> {
    const EDGE: i32 = 28;
    const LEAST: f64 = 0.75;
    let room = f64::from(head.dim_in_pixel().0) - f64::from(2 * px(EDGE));
    let full = text(size, weight, &colour);
    let width = f64::from(head.estimate_text_size(line, &full)?.0).max(1.0);
    let shrunk = (room / width).min(1.0);
    let shown = if shrunk < LEAST {
        let kept = (line.chars().count() as f64 * shrunk / LEAST) as usize;
        let cut: String = line.chars().take(kept.saturating_sub(1)).collect();
        format!("{}…", cut.trim_end())
    } else {
        line.to_owned()
    };
    let style = text(size * shrunk.max(LEAST), weight, &colour);
    head.draw_text(&shown, &style, (px(EDGE), px(y)))
}

/// Shrinks a picture of RGB bytes: each square of [`SHRINK`] × [`SHRINK`] pixels becomes its mean.
fn shrunk(fine: &[u8], width: usize, height: usize) -> Vec<u8> {
    let by = SHRINK as usize;
    let mut coarse = Vec::with_capacity(fine.len() / (by * by));
    for y in (0..height).step_by(by) {
        for x in (0..width).step_by(by) {
            for channel in 0..3 {
                let square = (0..by * by)
                    .map(|i| u32::from(fine[((y + i / by) * width + x + i % by) * 3 + channel]));
                coarse.push((square.sum::<u32>() / (SHRINK * SHRINK)) as u8);
            }
        }
    }
    coarse
}
