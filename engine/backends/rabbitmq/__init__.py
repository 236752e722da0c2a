"""RabbitMQ as the carrier: for engines on several hosts."""

from engine.backends.rabbitmq.names import Names
from engine.backends.rabbitmq.publisher import Patience
from engine.backends.rabbitmq.transport import RabbitTransport

__all__ = ["Names", "Patience", "RabbitTransport"]
