// What a Prometheus server would read.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "stele/prometheus.hpp"

namespace stele::test {

/// The numbers of one scrape, by `name{label="value"}`.
class Scrape {
public:
    explicit Scrape(const PrometheusMetrics& metrics) {
        std::istringstream lines(metrics.text());
        for (std::string line; std::getline(lines, line);) {
            const std::size_t blank = line.rfind(' ');
            if (line[0] == '#') {
                if (line.starts_with("# TYPE ")) types_.push_back(line.substr(7));
            } else {
                values_[line.substr(0, blank)] = std::stod(line.substr(blank + 1));
            }
        }
    }

    /// A test failure when there is no such series.
    double operator[](const std::string& series) const {
        const auto found = values_.find(series);
        if (found == values_.end()) ADD_FAILURE() << "no series " << series;
        return found == values_.end() ? -1 : found->second;
    }
    /// "name type", sorted.
    std::vector<std::string> types() const { return types_; }
    std::map<std::string, double> values() const { return values_; }

private:
    std::vector<std::string> types_;
    std::map<std::string, double> values_;
};

}  // namespace stele::test
