//! Drawing to SVG or PNG.
//!
//! What is drawn is a [`Sheet`]; [`save`] brings it to a file. Sheets measure in pixels through
//! [`px`]: the canvas is [`FINE`] times as fine as it looks, so that lines are smooth in both
//! formats. The font travels in the binary, so that nothing depends on the machine's fonts.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use plotters::chart::MeshStyle;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use crate::term::exit::Usage;

/// The font of all texts.
pub(crate) const FONT: &str = "sans-serif";

/// Titles and labels.
pub(crate) const INK: RGBColor = RGBColor(34, 34, 34);

/// Axes and what stands at them.
pub(crate) const AXIS: RGBColor = RGBColor(96, 96, 96);

/// What was measured.
pub(crate) const BLUE: RGBColor = COLOURS[5];

/// What was computed exactly, over what was measured.
pub(crate) const ORANGE: RGBColor = COLOURS[4];

/// Lines of a chart's mesh.
pub(crate) const GRID: RGBColor = RGBColor(226, 226, 226);

/// Colours that stay apart for the colour-blind (Okabe and Ito).
pub(crate) const COLOURS: [RGBColor; 7] = [
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(150, 130, 20),
];

/// Units of the canvas in a pixel.
const FINE: u32 = 4;

/// Units of the canvas that become one pixel of a PNG, which is thus twice the stated size.
const SHRINK: u32 = 2;

/// Where a sheet is drawn.
pub(crate) type Area<B> = DrawingArea<B, Shift>;

/// Something to draw, on any backend.
pub(crate) trait Sheet {
    /// Draws on a white area.
    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static;
}

/// A figure of many runs: its mean, and where 90 % of the runs lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Band {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The look of axes and mesh that the sheets have in common.
pub(crate) fn quiet<'m, 'a, 'b, X, Y, B>(
    mesh: &'m mut MeshStyle<'a, 'b, X, Y, B>,
) -> &'m mut MeshStyle<'a, 'b, X, Y, B>
where
    X: Ranged,
    Y: Ranged,
    B: DrawingBackend,
{
    mesh.label_style((FONT, px(13)).into_font().color(&AXIS))
        .axis_desc_style((FONT, px(14)).into_font().color(&AXIS))
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(px(1)))
        .axis_style(AXIS.stroke_width(px(1)))
}

/// Height of a headline in pixels.
pub(crate) const HEAD: u32 = 66;

/// Writes a sheet's title and what is said under it; gives the area below. What is too long for the
/// sheet becomes smaller, down to what can still be read, and is then cut off.
pub(crate) fn headed<B: DrawingBackend>(
    area: &Area<B>,
    title: &str,
    subtitle: &str,
) -> anyhow::Result<Area<B>>
where
    B::ErrorType: 'static,
{
    const EDGE: i32 = 28;
    const LEAST: f64 = 0.75;
    let (head, body) = area.split_vertically(px(HEAD));
    let room = f64::from(head.dim_in_pixel().0) - f64::from(2 * px(EDGE));
    let line = |text: &str, size: f64, weight: FontStyle, colour: RGBColor, y: i32| {
        let style = |size: f64| TextStyle::from((FONT, size, weight).into_font()).color(&colour);
        let width = f64::from(head.estimate_text_size(text, &style(px(size)))?.0).max(1.0);
        let shrunk = (room / width).min(1.0);
        let text = if shrunk < LEAST {
            let kept = (text.chars().count() as f64 * shrunk / LEAST) as usize;
            let cut: String = text.chars().take(kept.saturating_sub(1)).collect();
            format!("{}…", cut.trim_end())
        } else {
            text.to_owned()
        };
        head.draw_text(&text, &style(px(size) * shrunk.max(LEAST)), (px(EDGE), px(y)))?;
        anyhow::Ok(())
    };
    line(title, 21.0, FontStyle::Bold, INK, 18)?;
    line(subtitle, 14.0, FontStyle::Normal, AXIS, 46)?;
    Ok(body)
}

/// A length in pixels, in units of the canvas.
pub(crate) fn px<T: From<u8> + std::ops::Mul<Output = T>>(pixels: T) -> T {
    pixels * T::from(FINE as u8)
}

/// The formats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
}

/// The format that a file's name asks for.
fn format(path: &Path) -> Result<Format, Usage> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "svg" => Ok(Format::Svg),
        "png" => Ok(Format::Png),
        _ => Err(Usage(format!("--plot {}: the name must end in .svg or .png", path.display()))),
    }
}

/// Refuses a `--plot` that could not be written, before any work is done for it.
pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
    format(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder
        && !folder.is_dir()
    {
        let why = format!("--plot {}: there is no folder {}", path.display(), folder.display());
        return Err(Usage(why).into());
    }
    Ok(())
}

/// Draws a sheet of `size` pixels to a file, in the format that its name asks for.
pub(crate) fn save(path: &Path, size: (u32, u32), sheet: &impl Sheet) -> anyhow::Result<()> {
    let format = format(path)?;
    register_font(FONT, FontStyle::Normal, dejavu::sans::regular())
        .and_then(|()| register_font(FONT, FontStyle::Bold, dejavu::sans::bold()))
        .map_err(|_| anyhow!("the built-in font cannot be read"))?;
    let bytes = match format {
        Format::Svg => svg(size, sheet)?,
        Format::Png => png(size, sheet)?,
    };
    let write = || File::create(path)?.write_all(&bytes);
    write().with_context(|| format!("cannot draw to {}", path.display()))
}

fn svg(size: (u32, u32), sheet: &impl Sheet) -> anyhow::Result<Vec<u8>> {
    let mut text = String::new();
    let fine = (px(size.0), px(size.1));
    {
        let area = SVGBackend::with_string(&mut text, fine).into_drawing_area();
        area.fill(&WHITE)?;
        sheet.draw(&area)?;
        area.present()?;
    }
    // The view box stays fine, and the picture gets the size asked for.
    let head = |(width, height): (u32, u32)| format!("<svg width=\"{width}\" height=\"{height}\"");
    Ok(text.replacen(&head(fine), &head(size), 1).into_bytes())
}

fn png(size: (u32, u32), sheet: &impl Sheet) -> anyhow::Result<Vec<u8>> {
    let (width, height) = (px(size.0), px(size.1));
    let mut fine = vec![0; width as usize * height as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut fine, (width, height)).into_drawing_area();
        area.fill(&WHITE)?;
        sheet.draw(&area)?;
        area.present()?;
    }
    let mut bytes = Vec::new();
    let mut encoder =
        png::Encoder::new(BufWriter::new(&mut bytes), width / SHRINK, height / SHRINK);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&shrunk(&fine, width as usize, height as usize))?;
    writer.finish()?;
    Ok(bytes)
}

/// A picture of RGB bytes, each square of [`SHRINK`] × [`SHRINK`] pixels as its mean.
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
