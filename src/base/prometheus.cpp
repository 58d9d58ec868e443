#include "stele/prometheus.hpp"
