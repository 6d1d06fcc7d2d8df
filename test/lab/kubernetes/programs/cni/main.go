// cni gives pods a network on hosts that reach each other directly: on each node a bridge with the addresses that the cluster gave to the
// node, and a route to those of every other node. It runs on each node, writes what containerd reads, and follows the cluster's nodes.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/vishvananda/netlink"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const (
	configFile = "/etc/cni/net.d/10-lab.conflist"
	// Marks the routes that are ours.
	routeProtocol = 77
)

func main() {
	config, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	factory := informers.NewSharedInformerFactory(kubernetes.NewForConfigOrDie(config), time.Minute)
	nodes := factory.Core().V1().Nodes()
	changed := make(chan struct{}, 1)
	wake := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(interface{}) { wake() },
		UpdateFunc: func(_, _ interface{}) { wake() },
		DeleteFunc: func(interface{}) { wake() },
	})
	factory.Start(nil)
	cache.WaitForCacheSync(nil, nodes.Informer().HasSynced)
	for range changed {
		known, err := nodes.Lister().List(labels.Everything())
		if err == nil {
			err = follow(known, os.Getenv("NODE_NAME"))
		}
		if err != nil {
			log.Print(err)
			time.AfterFunc(2*time.Second, wake)
		}
	}
}

// follow makes the host what the nodes of the cluster want it to be.
func follow(nodes []*core.Node, own string) error {
	wanted := map[string]net.IP{}
	for _, node := range nodes {
		if node.Name == own {
			if err := writeConfig(node.Spec.PodCIDRs); err != nil {
				return err
			}
			continue
		}
		for _, block := range node.Spec.PodCIDRs {
			if gateway := addressLike(node, block); gateway != nil {
				wanted[block] = gateway
			}
		}
	}
	return setRoutes(wanted)
}

// addressLike is the node's own address of the family of the block.
func addressLike(node *core.Node, block string) net.IP {
	first, _, err := net.ParseCIDR(block)
	if err != nil {
		return nil
	}
	for _, address := range node.Status.Addresses {
		found := net.ParseIP(address.Address)
		if address.Type == core.NodeInternalIP && found != nil && (found.To4() == nil) == (first.To4() == nil) {
			return found
		}
	}
	return nil
}

func setRoutes(wanted map[string]net.IP) error {
	present, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Protocol: routeProtocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	for i := range present {
		if present[i].Dst != nil && wanted[present[i].Dst.String()] == nil {
			if err := netlink.RouteDel(&present[i]); err != nil {
				return fmt.Errorf("delete the route to %s: %w", present[i].Dst, err)
			}
		}
	}
	for block, gateway := range wanted {
		_, destination, err := net.ParseCIDR(block)
		if err != nil {
			return err
		}
		if err := netlink.RouteReplace(&netlink.Route{Dst: destination, Gw: gateway, Protocol: routeProtocol}); err != nil {
			return fmt.Errorf("route %s by %s: %w", block, gateway, err)
		}
	}
	return nil
}

// writeConfig tells containerd of the network. A node has no block before the controller manager gives it one.
func writeConfig(blocks []string) error {
	if len(blocks) == 0 {
		return nil
	}
	type object = map[string]interface{}
	var ranges [][]object
	var routes []object
	for _, block := range blocks {
		ranges = append(ranges, []object{{"subnet": block}})
		everything := "0.0.0.0/0"
		if first, _, err := net.ParseCIDR(block); err == nil && first.To4() == nil {
			everything = "::/0"
		}
		routes = append(routes, object{"dst": everything})
	}
	text, err := json.MarshalIndent(object{
		"cniVersion": "0.4.0",
		"name":       "lab",
		"plugins": []object{
			{"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
				"ipam": object{"type": "host-local", "ranges": ranges, "routes": routes}},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	}, "", "  ")
	if err != nil {
		return err
	}
	if present, err := os.ReadFile(configFile); err == nil && string(present) == string(text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(configFile), 0o755); err != nil {
		return err
	}
	// containerd reads names that end with .conflist only: it sees a whole file or none.
	if err := os.WriteFile(configFile+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(configFile+".new", configFile)
}
