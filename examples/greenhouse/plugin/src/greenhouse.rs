//! The physics: one bed of soil under glass, a tank and a valve between them. Everything is plausible
//! rather than exact, and the same steps always lead to the same state.

use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// What the tank holds, in litres.
pub const TANK: f64 = 300.0;

/// Longest step of the integration in simulated seconds: a tenth of the shortest time constant.
pub const MAX_STEP: f64 = 60.0;

/// Flow through the open valve, in litres a second.
const FLOW: f64 = 4.0 / 60.0;

/// Flow from the mains into the tank, in litres a second.
const REFILL: f64 = 1.5 / 60.0;

/// What one litre adds to the soil's moisture, in percent.
const PERCENT_A_LITRE: f64 = 0.25;

/// What soil of 50 % loses at 20 °C, in percent a second: 3 % an hour.
const DRYING: f64 = 3.0 / 3600.0;

/// Moisture that soil holds against gravity, in percent. What is above it drains.
const FIELD_CAPACITY: f64 = 80.0;

/// Time constant of that draining, in seconds.
const DRAINING: f64 = 1800.0;

/// Time constant of the air's temperature, in seconds.
const AIR: f64 = 1800.0;

/// Time constant of the soil's temperature, in seconds.
const SOIL: f64 = 4.0 * 3600.0;

/// What the fan takes from the air's temperature, in kelvin.
const FAN: f64 = 4.0;

/// What the lamp adds to the air's temperature, in kelvin.
const LAMP: f64 = 1.5;

/// Irradiance at noon, and of the lamp, in watts a square metre.
const SUN: f64 = 800.0;
const LAMP_LIGHT: f64 = 120.0;

/// The warmest hour of the day.
const WARMEST: f64 = 15.0;

/// Sunrise and sunset.
const DAY: (f64, f64) = (6.0, 20.0);

/// What can be set from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Moisture below which the soil counts as dry, in percent.
    pub moisture_low: f64,
    /// Moisture up to which the greenhouse waters when it does so by itself, in percent.
    pub moisture_high: f64,
    /// Mean of the day's temperature, in °C.
    pub mean_temperature: f64,
    /// How far noon and night are from it, in kelvin.
    pub temperature_swing: f64,
    /// How fast the soil dries; 1 is ordinary.
    pub drying: f64,
    /// Whether the greenhouse waters by itself.
    pub automatic: bool,
    /// Whether the mains fill the tank.
    pub refill: bool,
    /// Stage of the crop, 0 to 7: a bigger one drinks more.
    pub stage: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            moisture_low: 30.0,
            moisture_high: 60.0,
            mean_temperature: 22.0,
            temperature_swing: 8.0,
            drying: 1.0,
            automatic: false,
            refill: true,
            stage: 2,
        }
    }
}

/// The greenhouse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Greenhouse {
    /// Simulated seconds since midnight of the first day.
    pub seconds: f64,
    /// Moisture of the soil, 0 to 100 percent.
    pub moisture: f64,
    /// Temperature of the air, in °C.
    pub air: f64,
    /// Temperature of the soil, in °C.
    pub soil: f64,
    /// Water in the tank, in litres.
    pub tank: f64,
    /// Water that went to the bed, in litres.
    pub used: f64,
    /// How often the valve was opened.
    pub openings: u32,
    /// Whether the valve is open.
    pub valve: bool,
    /// Whether the fan runs.
    pub fan: bool,
    /// Whether the lamp is lit.
    pub lamp: bool,
    /// What can be set from outside.
    pub settings: Settings,
}

impl Greenhouse {
    /// A morning with moist soil and a full tank. `hour` is the time of day.
    pub fn new(hour: f64) -> Greenhouse {
        let mut greenhouse = Greenhouse {
            seconds: hour * 3600.0,
            moisture: 45.0,
            air: 0.0,
            soil: 0.0,
            tank: TANK,
            used: 0.0,
            openings: 0,
            valve: false,
            fan: false,
            lamp: false,
            settings: Settings::default(),
        };
        greenhouse.air = greenhouse.air_target();
        greenhouse.soil = greenhouse.settings.mean_temperature - 2.0;
        greenhouse
    }

    /// The time of day in hours, 0 to 24.
    pub fn hour(&self) -> f64 {
        (self.seconds / 3600.0).rem_euclid(24.0)
    }

    /// Opens or closes the valve.
    pub fn set_valve(&mut self, open: bool) {
        if open && !self.valve {
            self.openings = self.openings.wrapping_add(1);
        }
        self.valve = open;
    }

    /// Whether water runs to the bed.
    pub fn flows(&self) -> bool {
        self.valve && self.tank > 0.0
    }

    /// Whether the soil is drier than the lower set point.
    pub fn is_dry(&self) -> bool {
        self.moisture < self.settings.moisture_low
    }

    /// Whether less than a tenth of the tank is left.
    pub fn is_tank_low(&self) -> bool {
        self.tank < TANK / 10.0
    }

    /// Whether the sun is up.
    pub fn is_day(&self) -> bool {
        (DAY.0..DAY.1).contains(&self.hour())
    }

    /// Light, in watts a square metre.
    pub fn light(&self) -> f64 {
        let (rise, set) = DAY;
        let height = ((self.hour() - rise) / (set - rise) * TAU / 2.0).sin();
        let sun = if self.is_day() { SUN * height } else { 0.0 };
        sun.max(0.0) + if self.lamp { LAMP_LIGHT } else { 0.0 }
    }

    /// Relative humidity of the air, in percent: moist soil raises it, warmth lowers it.
    pub fn humidity(&self) -> f64 {
        let fan = if self.fan { 8.0 } else { 0.0 };
        (60.0 + 0.3 * (self.moisture - 40.0) - 1.5 * (self.air - 20.0) - fan).clamp(15.0, 99.0)
    }

    /// Lets simulated seconds pass.
    pub fn advance(&mut self, seconds: f64) {
        let steps = (seconds / MAX_STEP).ceil().max(1.0);
        for _ in 0..steps as u64 {
            self.step(seconds / steps);
        }
    }

    fn air_target(&self) -> f64 {
        let settings = &self.settings;
        let curve = ((self.hour() - WARMEST) / 24.0 * TAU).cos();
        settings.mean_temperature + settings.temperature_swing * curve
            - if self.fan { FAN } else { 0.0 }
            + if self.lamp { LAMP } else { 0.0 }
    }

    fn step(&mut self, dt: f64) {
        if self.settings.automatic {
            if self.moisture < self.settings.moisture_low {
                self.set_valve(true);
            } else if self.moisture > self.settings.moisture_high {
                self.set_valve(false);
            }
        }
        self.seconds += dt;
        self.air += (self.air_target() - self.air) * (1.0 - (-dt / AIR).exp());
        self.soil += (self.air - self.soil) * (1.0 - (-dt / SOIL).exp());

        let watered = if self.valve {
            (FLOW * dt).min(self.tank)
        } else {
            0.0
        };
        self.used += watered;
        let refill = if self.settings.refill {
            REFILL * dt
        } else {
            0.0
        };
        self.tank = (self.tank - watered + refill).clamp(0.0, TANK);

        // Ten kelvin more double it, and dry soil gives less away than moist soil.
        let thirst = 0.6 + 0.2 * f64::from(self.settings.stage);
        let warmth = ((self.air - 20.0) / 10.0).exp2();
        let dried = DRYING * dt * self.settings.drying * thirst * warmth * (self.moisture / 50.0);
        let above = (self.moisture - FIELD_CAPACITY).max(0.0);
        let drained = above * (1.0 - (-dt / DRAINING).exp());
        let change = watered * PERCENT_A_LITRE - dried - drained;
        self.moisture = (self.moisture + change).clamp(0.0, 100.0);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: f64 = 3600.0;

    #[test]
    fn soil_dries_and_faster_when_it_is_warm() {
        let dried = |mean: f64| {
            let mut house = Greenhouse::new(8.0);
            house.settings.mean_temperature = mean;
            house.advance(6.0 * HOUR);
            45.0 - house.moisture
        };
        assert!(dried(10.0) > 1.0);
        assert!(dried(30.0) > 2.0 * dried(10.0));
    }

    #[test]
    fn the_valve_waters_and_empties_the_tank() {
        let mut house = Greenhouse::new(8.0);
        house.settings.refill = false;
        house.set_valve(true);
        house.advance(0.5 * HOUR);
        assert!(house.moisture > 65.0, "{}", house.moisture);
        assert!((house.tank - (TANK - 120.0)).abs() < 1e-6, "{}", house.tank);
        assert!((house.used - 120.0).abs() < 1e-6);
        house.advance(2.0 * HOUR);
        assert_eq!(house.tank, 0.0);
        assert!(!house.flows() && house.is_tank_low());
        let wet = house.moisture;
        house.advance(HOUR);
        assert!(house.moisture < wet, "an empty tank waters nothing");
        house.settings.refill = true;
        house.set_valve(false);
        house.advance(4.0 * HOUR);
        assert_eq!(house.tank, TANK);
    }

    #[test]
    fn the_day_is_warm_and_bright_and_the_night_is_not() {
        let mut house = Greenhouse::new(0.0);
        let mut warmest = (0.0, f64::MIN);
        let mut coldest = (0.0, f64::MAX);
        for _ in 0..24 * 4 {
            house.advance(HOUR / 4.0);
            if house.air > warmest.1 {
                warmest = (house.hour(), house.air);
            }
            if house.air < coldest.1 {
                coldest = (house.hour(), house.air);
            }
            assert_eq!(house.light() > 0.0, house.is_day() && house.hour() > 6.0);
        }
        assert!((15.0..17.0).contains(&warmest.0), "{warmest:?}");
        assert!((3.0..5.0).contains(&coldest.0), "{coldest:?}");
        assert!(warmest.1 - coldest.1 > 14.0);
    }

    #[test]
    fn it_waters_by_itself_when_told_so() {
        let mut house = Greenhouse::new(8.0);
        house.settings.automatic = true;
        let (mut low, mut high) = (f64::MAX, f64::MIN);
        for _ in 0..72 * 60 {
            house.advance(60.0);
            low = low.min(house.moisture);
            high = high.max(house.moisture);
        }
        assert!(low > 29.0 && low < 30.0, "{low}");
        assert!(high > 60.0 && high < 62.0, "{high}");
        assert!((2..20).contains(&house.openings), "{}", house.openings);
    }

    #[test]
    fn a_fan_cools_and_a_lamp_shines() {
        let mut house = Greenhouse::new(12.0);
        let mut cooled = house.clone();
        cooled.fan = true;
        house.advance(HOUR);
        cooled.advance(HOUR);
        assert!(cooled.air < house.air - 2.0 && cooled.humidity() < house.humidity() + 8.0);
        let mut night = Greenhouse::new(1.0);
        night.lamp = true;
        assert_eq!(night.light(), LAMP_LIGHT);
    }

    proptest! {
        #[test]
        fn nothing_leaves_its_bounds_and_equal_steps_lead_to_equal_states(
            hour in 0.0..24.0,
            mean in -40.0..60.0,
            swing in 0.0..30.0,
            drying in 0.0..10.0,
            stage in 0u8..8,
            switches in prop::collection::vec((any::<bool>(), any::<bool>(), 1.0..7200.0), 1..40),
        ) {
            let mut house = Greenhouse::new(hour);
            house.settings.mean_temperature = mean;
            house.settings.temperature_swing = swing;
            house.settings.drying = drying;
            house.settings.stage = stage;
            let mut twin = house.clone();
            for (valve, fan, seconds) in switches {
                for house in [&mut house, &mut twin] {
                    house.set_valve(valve);
                    house.fan = fan;
                    house.advance(seconds);
                }
                prop_assert!((0.0..=100.0).contains(&house.moisture));
                prop_assert!((0.0..=TANK).contains(&house.tank));
                prop_assert!((-80.0..=100.0).contains(&house.air));
                prop_assert!((15.0..=99.0).contains(&house.humidity()));
                prop_assert!((0.0..=1000.0).contains(&house.light()));
            }
            prop_assert_eq!(house, twin);
        }
    }
}
