// Figures as the report writes them, in plain text that needs no escaping.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace demo {

std::string grouped(std::int64_t value);                  // "421,834"
std::string percent(double share, int digits = 1);        // "91.4%"
std::string percent(const std::optional<double>& share);  // a dash where there is none
std::string figure(double value);                         // four digits, "NaN" or "∞"
std::string loss_figure(double value);                    // the same with its zeros, to stand in a column
std::string duration(double seconds);                     // "7.3 s", "2 min 05 s", "1 h 07 min"

}  // namespace demo
