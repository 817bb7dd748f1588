/* soma/soma.h: the whole public interface. */
#ifndef SOMA_SOMA_H
#define SOMA_SOMA_H

#include <soma/base.h>
#include <soma/data.h>
#include <soma/graph.h>
#include <soma/insight.h>
#include <soma/model.h>
#include <soma/nn.h>
#include <soma/plan.h>

#endif
