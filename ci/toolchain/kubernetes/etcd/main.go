// Command etcd is the upstream server, built in the module of the API server that talks to it,
// so that both share one compile of gRPC and its friends.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
