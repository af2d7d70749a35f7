//! A screenshot: QEMU's `screendump` writes PPM, people look at PNG. Bytes in, bytes out.

use thiserror::Error;

/// Why a screen can't be shown.
#[derive(Debug, Error)]
pub enum ScreenError {
    /// Not what QEMU writes.
    #[error("screen dump is no binary PPM with 8 bits per colour: {0}")]
    Ppm(&'static str),
    /// It can't be written.
    #[error("writing PNG")]
    Png(#[from] png::EncodingError),
}

/// Binary PPM ("P6", 8 bits) to PNG.
pub fn png_of_ppm(ppm: &[u8]) -> Result<Vec<u8>, ScreenError> {
    let mut rest = ppm.strip_prefix(b"P6").ok_or(ScreenError::Ppm("it does not start with P6"))?;
    let mut number = || {
        let from = rest.iter().position(u8::is_ascii_digit)?;
        let digits = rest[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&rest[from..from + digits]).ok()?;
        rest = &rest[from + digits..];
        text.parse::<u32>().ok()
    };
    let (Some(width), Some(height), Some(255)) = (number(), number(), number()) else {
        return Err(ScreenError::Ppm("its header lacks width, height or the maximum 255"));
    };
    // One white space ends the header.
    let pixels = rest.get(1..).unwrap_or_default();
    let expected = (width as usize).checked_mul(height as usize).and_then(|all| all.checked_mul(3));
    if expected != Some(pixels.len()) || pixels.is_empty() {
        return Err(ScreenError::Ppm("its size is not what its header says"));
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_survive_and_a_cut_file_is_refused() {
        let pixels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 10, 13];
        let ppm = [&b"P6\n2 2\n255\n"[..], &pixels].concat();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png_of_ppm(&ppm).unwrap())).read_info().unwrap();
        let mut back = [0; 12];
        let info = reader.next_frame(&mut back).unwrap();
        assert_eq!((info.width, info.height, back), (2, 2, pixels));
        for cut in 0..ppm.len() {
            assert!(png_of_ppm(&ppm[..cut]).is_err(), "cut at {cut}");
        }
    }
}
