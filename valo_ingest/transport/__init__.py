"""What talks: Socket.IO and HTTP servers on gevent."""
