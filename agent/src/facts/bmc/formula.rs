//! How a sensor's byte becomes a number of its unit: IPMI 2.0 §36.3, from the factors in its full record (§43.1). Pure.

use pious_protocol::facts::SensorKind;

/// y = L((M·x + B·10^K1)·10^K2), and what y is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Formula {
    format: Format,
    linearization: Linearization,
    m: i16,
    b: i16,
    b_exponent: i8,
    result_exponent: i8,
    unit: Unit,
}

/// How the byte is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Unsigned,
    OnesComplement,
    TwosComplement,
}

/// L.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Linearization {
    Linear,
    Ln,
    Log10,
    Log2,
    E,
    Exp10,
    Exp2,
    Reciprocal,
    Square,
    Cube,
    SquareRoot,
    CubeRoot,
}

/// The unit, and how it becomes that of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Fahrenheit,
    Kelvin,
    Plain(SensorKind),
}

impl Formula {
    /// From a full record; `None` for a sensor without numbers, or whose factors differ for each reading.
    pub(super) fn decode(record: &[u8]) -> Option<Self> {
        let &[units, base, _, linearization, m_low, m_high, b_low, b_high, _, exponents] =
            record.get(20..30)?.first_chunk()?;
        let format = match units >> 6 {
            0 => Format::Unsigned,
            1 => Format::OnesComplement,
            2 => Format::TwosComplement,
            _ => return None,
        };
        Some(Self {
            format,
            linearization: Linearization::decode(linearization & 0x7f)?,
            m: ten_bits(m_low, m_high),
            b: ten_bits(b_low, b_high),
            b_exponent: four_bits(exponents),
            result_exponent: four_bits(exponents >> 4),
            unit: Unit::decode(units, base),
        })
    }

    /// What it measures.
    pub(super) fn kind(&self) -> SensorKind {
        match self.unit {
            Unit::Fahrenheit | Unit::Kelvin => SensorKind::Temperature,
            Unit::Plain(kind) => kind,
        }
    }

    /// A reading in thousandths of its kind's unit; `None` where the formula has no value, as 1/0.
    pub(super) fn milli(&self, reading: u8) -> Option<i64> {
        let x = match self.format {
            Format::Unsigned => f64::from(reading),
            Format::TwosComplement => f64::from(reading as i8),
            Format::OnesComplement if reading & 0x80 != 0 => -f64::from(!reading),
            Format::OnesComplement => f64::from(reading),
        };
        let power = |exponent: i8| 10f64.powi(exponent.into());
        let linear = (f64::from(self.m) * x + f64::from(self.b) * power(self.b_exponent)) * power(self.result_exponent);
        let value = match self.unit {
            Unit::Fahrenheit => (self.linearization.apply(linear) - 32.0) / 1.8,
            Unit::Kelvin => self.linearization.apply(linear) - 273.15,
            Unit::Plain(_) => self.linearization.apply(linear),
        };
        let milli = (value * 1000.0).round();
        // Beyond that a float no longer counts in ones; no sensor goes there.
        const LARGEST: f64 = (1u64 << 53) as f64;
        (milli.abs() < LARGEST).then_some(milli as i64)
    }
}

impl Linearization {
    fn decode(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Linear,
            1 => Self::Ln,
            2 => Self::Log10,
            3 => Self::Log2,
            4 => Self::E,
            5 => Self::Exp10,
            6 => Self::Exp2,
            7 => Self::Reciprocal,
            8 => Self::Square,
            9 => Self::Cube,
            10 => Self::SquareRoot,
            11 => Self::CubeRoot,
            // 70h and up: factors that depend on the reading, or a maker's own.
            _ => return None,
        })
    }

    fn apply(self, y: f64) -> f64 {
        match self {
            Self::Linear => y,
            Self::Ln => y.ln(),
            Self::Log10 => y.log10(),
            Self::Log2 => y.log2(),
            Self::E => y.exp(),
            Self::Exp10 => 10f64.powf(y),
            Self::Exp2 => y.exp2(),
            Self::Reciprocal => y.recip(),
            Self::Square => y * y,
            Self::Cube => y * y * y,
            Self::SquareRoot => y.sqrt(),
            Self::CubeRoot => y.cbrt(),
        }
    }
}

impl Unit {
    /// Unit codes of §43.17. With a modifier or a rate (bits 5 to 1) it is another unit: watts per second are no power.
    fn decode(units: u8, base: u8) -> Self {
        let is_percentage = units & 0x01 != 0;
        let is_modified = units & 0b0011_1110 != 0;
        Self::Plain(match base {
            _ if is_percentage => SensorKind::Percentage,
            _ if is_modified => SensorKind::Other,
            1 => SensorKind::Temperature,
            2 => return Self::Fahrenheit,
            3 => return Self::Kelvin,
            4 => SensorKind::Voltage,
            5 => SensorKind::Current,
            6 => SensorKind::Power,
            18 => SensorKind::Fan,
            _ => SensorKind::Other,
        })
    }
}

/// Ten bits of two's complement: the upper two are the upper two of the second byte.
fn ten_bits(low: u8, high: u8) -> i16 {
    let bits = i16::from(high >> 6) << 8 | i16::from(low);
    bits << 6 >> 6
}

/// Four bits of two's complement.
fn four_bits(bits: u8) -> i8 {
    (bits << 4) as i8 >> 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The factors' bytes of a record: units, base unit, linearization, M, B, exponents (K2, K1).
    fn formula(units: u8, base: u8, linearization: u8, m: i16, b: i16, exponents: u8) -> Option<Formula> {
        let mut record = vec![0; 30];
        record[20..23].copy_from_slice(&[units, base, 0]);
        record[23] = linearization;
        let upper = |value: i16| ((value >> 8) as u8 & 0b11) << 6;
        record[24..28].copy_from_slice(&[m as u8, upper(m), b as u8, upper(b)]);
        record[29] = exponents;
        Formula::decode(&record)
    }

    #[test]
    fn readings_become_thousandths() {
        let cases = [
            ("degrees", formula(0x00, 1, 0, 1, 0, 0x00), 35, SensorKind::Temperature, Some(35_000)),
            ("below zero", formula(0x80, 1, 0, 1, 0, 0x00), 0xf6, SensorKind::Temperature, Some(-10_000)),
            ("one's complement", formula(0x40, 1, 0, 1, 0, 0x00), 0xf5, SensorKind::Temperature, Some(-10_000)),
            ("12 V: 59·x / 1000", formula(0x00, 4, 0, 59, 0, 0xd0), 205, SensorKind::Voltage, Some(12_095)),
            ("a fan, 75·x", formula(0x00, 18, 0, 75, 0, 0x00), 100, SensorKind::Fan, Some(7_500_000)),
            (
                "watts with an offset, 2·x − 5·10",
                formula(0x00, 6, 0, 2, -5, 0x01),
                100,
                SensorKind::Power,
                Some(150_000),
            ),
            ("M below zero", formula(0x00, 1, 0, -1, 127, 0x00), 100, SensorKind::Temperature, Some(27_000)),
            ("Fahrenheit", formula(0x00, 2, 0, 1, 0, 0x00), 212, SensorKind::Temperature, Some(100_000)),
            ("Kelvin", formula(0x00, 3, 0, 2, 0, 0x00), 150, SensorKind::Temperature, Some(26_850)),
            ("per cent", formula(0x01, 0, 0, 1, 0, 0x00), 42, SensorKind::Percentage, Some(42_000)),
            ("watts per second", formula(0x18, 6, 0, 1, 0, 0x00), 1, SensorKind::Other, Some(1_000)),
            ("reciprocal", formula(0x00, 18, 7, 1, 0, 0x00), 4, SensorKind::Fan, Some(250)),
            ("1/0", formula(0x00, 18, 7, 1, 0, 0x00), 0, SensorKind::Fan, None),
        ];
        for (case, formula, reading, kind, milli) in cases {
            let formula = formula.expect(case);
            assert_eq!((formula.kind(), formula.milli(reading)), (kind, milli), "{case}");
        }
        assert_eq!(formula(0xc0, 0, 0, 1, 0, 0), None, "no numbers");
        assert_eq!(formula(0x00, 1, 0x70, 1, 0, 0), None, "factors for each reading");
    }

    proptest! {
        #[test]
        fn garbage_does_not_panic(record: Vec<u8>, factors in any::<[u8; 30]>(), reading: u8) {
            let _ = Formula::decode(&record);
            if let Some(formula) = Formula::decode(&factors) {
                let _ = formula.milli(reading);
            }
        }
    }
}
