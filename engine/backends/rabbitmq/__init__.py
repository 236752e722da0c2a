"""RabbitMQ as the carrier: for engines on several hosts.

What is on the broker
  names           what exchanges and queues are called
  layout          what has to exist, with every argument
  directory       which addresses, tiers and bindings there are
  declaring       making it exist, or seeing that it does
  mending         making again what was taken away
  removing        deleting queues that are empty
  admin           `tillflow topology`: wanted against there

Connections
  address         where the broker is
  link            one connection, kept up
  control         the control plane: rare, one thing at a time
  dataplane       the data plane: deliver, publish, confirm, ack
  aiormq_plane    it, on aiormq
  channels        its channels
  frames          what is frequent, as bytes
  sieve           deliveries and confirms out of what is read

Messages
  transport       all of it as a Transport. Start reading here
  sending         from what is sent to what is published
  publisher       publishing with a deadline
  properties      what comes with a body
  subscription    one consumer of one queue
  keeper          wanted consumers against confirmed ones

Whose the cell is
  belonging       one store to a cell
  owning          one engine, where the store cannot be shared
"""

from engine.backends.rabbitmq.names import Names
from engine.backends.rabbitmq.publisher import Patience
from engine.backends.rabbitmq.transport import RabbitTransport

__all__ = ["Names", "Patience", "RabbitTransport"]
