//! Plugins for hardware: real components in a real kernel, on a virtual board and in virtual time.

mod button;
mod buzzer;
mod chips;
mod console;
mod hc_sr04;
mod led;
mod motor;
mod outputs;
mod pages;
mod pir;
mod relay;
mod rgb_led;
mod rotary_encoder;
mod sensors;
mod servo;
mod sht4x;
mod stepper;
mod thermal_zone;
mod workbench;
