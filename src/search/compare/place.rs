//! How far two places on Earth are apart (location.html#search, `near`).

/// Mean radius of Earth, metres.
const RADIUS_METRES: f64 = 6_371_008.8;

/// Metres on the great circle between two places, each degrees north and degrees east.
pub(super) fn metres((north, east): (f64, f64), (other_north, other_east): (f64, f64)) -> f64 {
    let [a, b] = [north, other_north].map(f64::to_radians);
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let chord = half(north, other_north) + a.cos() * b.cos() * half(east, other_east);
    2.0 * RADIUS_METRES * chord.clamp(0.0, 1.0).sqrt().asin()
}
