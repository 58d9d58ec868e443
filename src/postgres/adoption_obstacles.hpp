// What keeps a schema from being adopted. Pure.
#pragma once

#include <vector>

#include "postgres/adoption_plan.hpp"

namespace stele {

std::vector<Obstacle> find_obstacles(const WantedSchema& wanted, const SchemaInventory& actual,
                                     const AdoptionSite& site);

}  // namespace stele
